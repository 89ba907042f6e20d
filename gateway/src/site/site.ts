import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Problem } from '@clientele/platform/runtime/problem'
import express, { type Request, type RequestHandler, type Response, Router } from 'express'
import type { GatewayConfig } from '../config.ts'
import { docsPage } from '../pages/docs-page.ts'
import { emailLinkPage } from '../pages/email-link-page.ts'
import { readGuides } from '../pages/guides.ts'
import { homePage } from '../pages/home-page.ts'
import { problemCodeOf, problemList, problemPage } from '../pages/problem-page.ts'
import { stateOf, wantsHtml } from '../request/request-state.ts'
import type { SecurityHeaders } from '../response/security-headers.ts'
import type { Contract } from './contract-view.ts'
import { type Health, type HealthReader, sendHealth } from './health.ts'
import { llmsText } from './llms.ts'
import { postmanCollection } from './postman.ts'

export type SiteDeps = {
  config: GatewayConfig
  docsEnabled: boolean
  health: HealthReader
  security: SecurityHeaders
  openapi: Contract
  asyncapi: object
}

const assets = fileURLToPath(new URL('../../public/', import.meta.url))
const require = createRequire(import.meta.url)
const swagger = dirname(require.resolve('swagger-ui-dist/package.json'))
const swaggerFiles = new Set(['swagger-ui.css', 'swagger-ui-bundle.js', 'oauth2-redirect.html', 'oauth2-redirect.js'])
const links = { docs: '/docs', guide: '/guides/api', openapi: '/openapi.json', asyncapi: '/asyncapi.json' }

const sendHtml = (res: Response, page: string): void =>
  void res.set('Cache-Control', 'no-cache').type('html').send(page)

/** @throws Problem 405 for a method other than GET and HEAD */
export const allowGetOnly: RequestHandler = ({ method }, _res, next) => {
  if (method === 'GET' || method === 'HEAD') next()
  else
    throw new Problem('method_not_allowed', { detail: 'allowed methods: GET, HEAD', headers: { Allow: 'GET, HEAD' } })
}

/** Removes a trailing slash from the path and sets the headers that every response has. */
const prepare: RequestHandler = (req, res, next) => {
  const { target, headers } = stateOf(res)
  req.url = `${target.path}${target.search}`
  for (const [name, value] of Object.entries(headers)) res.setHeader(name, value)
  next()
}

/** Creates the router of the gateway's own pages and documents. */
export const createSite = ({ config, docsEnabled, health, security, openapi, asyncapi }: SiteDeps): Router => {
  const { keycloakIssuer, publicUrl, consoleClientId } = config
  const site = Router()
  site.use(prepare, security.middleware.page)

  const get = (path: string, handler: (req: Request, res: Response) => unknown): void => {
    site.get(path, async (req, res) => {
      stateOf(res).routeName = path
      await handler(req, res)
    })
    site.all(path, allowGetOnly)
  }
  // Which parts there are, and which are down, is for operators: they read it at the internal port.
  const publicPart = ({ status, checks }: Health) => (config.profile === 'local' ? { status, checks } : { status })
  const requireDocsEnabled: RequestHandler = (_req, _res, next) =>
    next(docsEnabled ? undefined : new Problem('not_found', { detail: 'path not found' }))

  get('/', (req, res) => {
    res.vary('Accept')
    if (wantsHtml(req)) sendHtml(res, homePage({ docsEnabled, accountUrl: `${keycloakIssuer}/account` }))
    else
      res.json({ name: 'Clientele', version: '1', links: { ...(docsEnabled && links), health: '/health', api: '/v1' } })
  })
  get('/health', async (_req, res) => sendHealth(res, publicPart(await health.current())))
  get('/health/ready', async (_req, res) => sendHealth(res, publicPart(await health.readiness())))
  get('/health/live', (_req, res) => sendHealth(res, { status: 'up' }))
  get('/email-confirmation', (_req, res) => sendHtml(res, emailLinkPage('confirmation')))
  get('/email-restoration', (_req, res) => sendHtml(res, emailLinkPage('restoration')))
  get('/problems', (_req, res) => sendHtml(res, problemList()))
  get('/problems/:type', (req, res) => {
    const code = problemCodeOf(String(req.params['type']))
    if (!code) throw new Problem('not_found', { detail: 'error code not found' })
    sendHtml(res, problemPage(code))
  })
  get('/.well-known/oauth-protected-resource', (_req, res) => {
    res.json({
      resource: publicUrl,
      resource_name: 'Clientele',
      authorization_servers: [keycloakIssuer],
      bearer_methods_supported: ['header'],
      scopes_supported: ['openid'],
      ...(docsEnabled && { resource_documentation: `${publicUrl}/docs` }),
    })
  })

  const documents: Record<string, object> = {
    '/openapi.json': openapi,
    '/asyncapi.json': asyncapi,
    '/postman.json': docsEnabled ? postmanCollection(openapi) : {},
  }
  site.use(['/docs', '/guides', '/llms.txt', '/api/ui', ...Object.keys(documents)], requireDocsEnabled)
  for (const [path, document] of Object.entries(documents)) {
    const text = JSON.stringify(document)
    get(path, (_req, res) => res.set('Cache-Control', 'no-cache').type('json').send(text))
  }
  const guides = new Map((docsEnabled ? readGuides() : []).map((guide) => [guide.name, guide]))
  const overview = docsEnabled ? llmsText(openapi, [...guides.values()], publicUrl) : ''
  get('/llms.txt', (_req, res) => res.set('Cache-Control', 'no-cache').type('text').send(overview))
  get('/guides/:name', (req, res) => {
    const [, name = '', extension] = /^(.*?)(\.md)?$/.exec(String(req.params['name'])) ?? []
    const guide = guides.get(name)
    if (!guide) throw new Problem('not_found', { detail: `guide not found; guides: ${[...guides.keys()].join(', ')}` })
    if (extension === undefined) sendHtml(res, guide.page)
    else res.set('Cache-Control', 'no-cache').type('text/markdown').send(guide.markdown)
  })
  get('/api/ui', (_req, res) => res.redirect(302, '/docs'))
  site.get('/docs', security.middleware.docs)
  get('/docs', (_req, res) => sendHtml(res, docsPage({ clientId: consoleClientId })))
  site.get('/docs/oauth2-redirect.html', security.middleware.redirect)
  get('/docs/:file', (req, res) => {
    const file = String(req.params['file'])
    if (!swaggerFiles.has(file)) throw new Problem('not_found', { detail: 'file not found' })
    res.sendFile(join(swagger, file), { maxAge: 86_400_000 })
  })
  site.use('/assets', allowGetOnly, express.static(assets, { index: false, redirect: false, maxAge: 3_600_000 }))
  return site
}
