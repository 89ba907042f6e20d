import { problems } from '@clientele/contracts/problem'
import { registry } from '@clientele/contracts/services'
import { client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { html } from '../src/pages/html.ts'
import { mergeOpenApi, type ServiceContract } from '../src/site/api-documents.ts'
import { startGateway, type TestGateway } from './gateway.ts'

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('Pages and documents of the gateway', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway()
    await eventually(async () => expect((await gateway.as().get('/health')).status).toBe(200))
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('GET / returns a page to a browser and JSON to other clients', async () => {
    const page = await gateway.as().get('/', browser)
    expect(page.headers.get('content-type')).toContain('text/html')
    expect(page.body).toContain('href="/docs"')
    const { status, body } = await gateway.as().get('/')
    expect({ status, name: body.name, docs: body.links.docs }).toEqual({
      status: 200,
      name: 'Clientele',
      docs: '/docs',
    })
  })

  it('every page forbids framing and inline scripts, and contains none', async () => {
    for (const path of [
      '/',
      '/docs',
      '/guides/api',
      '/email-confirmation',
      '/problems',
      '/problems/not-found',
      '/nothing',
    ]) {
      const { headers, body } = await gateway.as().get(path, browser)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("script-src 'self'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
      expect(body).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|javascript:/i)
    }
  })

  it('every link on a page leads to a file that the gateway serves', async () => {
    const guides = [
      'api',
      'front-end',
      'clients',
      'events',
      'machine-accounts',
      'identity-providers',
      'imports',
      'exports',
    ]
    const pages = ['/', '/docs', '/email-restoration', '/docs/oauth2-redirect.html']
    for (const path of [...pages, ...guides.map((name) => `/guides/${name}`)]) {
      const { body } = await gateway.as().get(path, browser)
      const references = [...String(body).matchAll(/(?:src|href)="([^"#]+)"/g)].map((match) => match[1] ?? '')
      for (const reference of references.filter((each) => !/^https?:/.test(each))) {
        const { status } = await gateway.as().get(new URL(reference, `http://x${path}`).pathname)
        expect({ reference, status }).toEqual({ reference, status: 200 })
      }
    }
  })

  it('/docs may connect to Keycloak, keeps its sign-in window and names its client, and /api/ui redirects to it', async () => {
    const { headers, body } = await gateway.as().get('/docs')
    expect(headers.get('content-security-policy')).toContain(
      `connect-src 'self' ${new URL(gateway.config.keycloakIssuer).origin}`,
    )
    expect(headers.get('cross-origin-opener-policy')).toBe('same-origin-allow-popups')
    expect(body).toContain('data-client-id="clientele-console"')
    const back = await gateway.as().get('/docs/oauth2-redirect.html')
    expect(back.headers.get('cross-origin-opener-policy')).toBe('unsafe-none')
    const { status, headers: moved } = await gateway.as().get('/api/ui/')
    expect({ status, location: moved.get('location') }).toEqual({ status: 302, location: '/docs' })
  })

  it('the guides are pages and Markdown, their headings can be linked, and files that the gateway does not serve are no links', async () => {
    const { body, headers } = await gateway.as().get('/guides/events')
    expect(headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(body).toContain('href="/guides/api#lists"')
    expect(body).toContain('href="/asyncapi.json"')
    expect(body).not.toMatch(/href="[^"]*\.md|href="\.\./)
    expect((await gateway.as().get('/guides/api')).body).toContain('<h2 id="lists">Lists</h2>')
    const markdown = await gateway.as().get('/guides/api.md')
    expect(markdown.headers.get('content-type')).toContain('text/markdown')
    expect(markdown.body).toMatch(/^# The API: conventions\n/)
    for (const name of ['operate', '..%2fREADME', 'api.html'])
      expect((await gateway.as().get(`/guides/${name}`)).status).toBeGreaterThanOrEqual(400)
  })

  it('/llms.txt has a title, a summary and links, and each link leads to a page or document', async () => {
    const { body, headers } = await gateway.as().get('/llms.txt')
    expect(headers.get('content-type')).toContain('text/plain')
    expect(body).toMatch(/^# Clientele\n\n> .+\n/)
    const links = [...String(body).matchAll(/^- \[[^\]]+\]\((\S+)\): \S/gm)].map((match) => new URL(match[1] ?? ''))
    expect(links.length).toBeGreaterThan(10)
    for (const path of new Set(links.map(({ pathname }) => pathname))) {
      const { status } = await gateway.as().get(path)
      expect({ path, status }).toEqual({ path, status: 200 })
    }
  })

  it('only the files that the documentation needs are served from its packages', async () => {
    for (const file of ['package.json', 'swagger-ui-bundle.js.map', 'absolute-path.js', '..%2fpackage.json'])
      expect((await gateway.as().get(`/docs/${file}`)).status).toBeGreaterThanOrEqual(400)
    expect((await gateway.as().get('/assets/')).status).toBe(404)
  })

  it('the OpenAPI documents are merged into one with the URLs of this installation', async () => {
    const { body } = await gateway.as().get('/openapi.json')
    expect(body.servers).toEqual([{ url: 'http://gateway.example' }])
    expect(Object.keys(body.paths)).toEqual(expect.arrayContaining(['/v1/customers', '/v1/media', '/v1/users/me']))
    const { authorizationCode } = body.components.securitySchemes.keycloak.flows
    expect(authorizationCode.tokenUrl).toBe(`${gateway.config.keycloakIssuer}/protocol/openid-connect/token`)
    expect((await gateway.as().get('/asyncapi.json')).body.asyncapi).toBe('3.0.0')
  })

  it('GET /problems/{type} describes every error code, and returns 404 for others', async () => {
    for (const [code, { title, status: number }] of Object.entries(problems)) {
      const { status, body } = await gateway.as().get(`/problems/${code.replaceAll('_', '-')}`)
      expect({ code, status }).toEqual({ code, status: 200 })
      expect(body).toContain(title)
      expect(body).toContain(String(number))
    }
    expect((await gateway.as().get('/problems/%3Cscript%3E', browser)).body).not.toContain('<script>')
    expect((await gateway.as().get('/problems/nothing')).status).toBe(404)
  })

  it('the pages of error codes show code as code, without backticks', async () => {
    const list = String((await gateway.as().get('/problems')).body)
    const page = String((await gateway.as().get('/problems/unauthorized')).body)
    const error = String((await gateway.as().get('/v1/customers', browser)).body)
    for (const body of [list, page, error]) {
      expect(body).not.toContain('`')
      expect(body).toContain('<code>Authorization: Bearer &lt;token&gt;</code>')
    }
  })

  it('every code in the help of an error is closed', () => {
    for (const [code, { help }] of Object.entries(problems)) {
      expect({ code, backticks: help.split('`').length % 2 }).toEqual({ code, backticks: 1 })
      expect({ code, help }).toEqual({ code, help: expect.not.stringMatching(/\*\*|\]\(/) })
    }
  })

  it('GET /.well-known/oauth-protected-resource returns the issuer (RFC 9728)', async () => {
    const { body } = await gateway.as().get('/.well-known/oauth-protected-resource')
    expect(body).toMatchObject({
      resource: 'http://gateway.example',
      authorization_servers: [gateway.config.keycloakIssuer],
    })
  })

  it('404 and 405 are a problem, or a page in a browser', async () => {
    const { status, body, headers } = await gateway.as().get('/nothing')
    expect({ status, code: body.code, instance: body.instance }).toEqual({
      status: 404,
      code: 'not_found',
      instance: '/nothing',
    })
    expect(body.requestId).toBe(headers.get('x-request-id'))
    const page = await gateway.as().get('/nothing', browser)
    expect({ status: page.status, type: page.headers.get('content-type') }).toEqual({
      status: 404,
      type: 'text/html; charset=utf-8',
    })
    expect(page.body).toContain('Not found')
    for (const path of ['/openapi.json', '/assets/site.css']) {
      const wrong = await gateway.as().post(path, {})
      expect({ status: wrong.status, allow: wrong.headers.get('allow') }).toEqual({ status: 405, allow: 'GET, HEAD' })
    }
  })

  it('/metrics is served on the internal port, not on the public one', async () => {
    expect((await gateway.as().get('/metrics')).status).toBe(404)
    const metrics = await fetch(`${gateway.internalUrl}/metrics`).then((response) => response.text())
    expect(metrics).toContain('gateway_in_flight')
  })
})

describe('The health endpoints', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway()
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('GET /health lists every check, and returns 503 without addresses if one is down', async () => {
    await eventually(async () => {
      const { status, body } = await gateway.as().get('/health')
      expect({ status, names: body.checks.map(({ name }: { name: string }) => name) }).toEqual({
        status: 200,
        names: [...registry.services.map(({ name }) => name), 'keycloak', 'revocations', 'broker'],
      })
    })
    gateway.media.ready = false
    const { body } = await eventually(async () => {
      const response = await gateway.as().get('/health')
      expect(response.status).toBe(503)
      return response
    })
    expect(body.checks).toContainEqual({ name: 'media-service', status: 'down', detail: 'not ready' })
    expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|localhost|amqp|http/)
    expect((await gateway.as().get('/health/ready')).status).toBe(200)
    expect((await gateway.as().get('/health/live')).status).toBe(200)
  })
})

describe('In production', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway({ profile: 'production' })
  }, 60_000)
  afterAll(() => gateway?.stop())

  it.each([
    '/docs',
    '/docs/swagger-ui.css',
    '/guides/api',
    '/llms.txt',
    '/postman.json',
    '/openapi.json',
    '/asyncapi.json',
    '/api/ui',
  ])('GET %s returns 404, since the documentation is disabled by default', async (path) => {
    expect((await gateway.as().get(path)).status).toBe(404)
  })

  it('the public port says only whether the gateway is up, and the internal port names every part', async () => {
    const paths = ['/health', '/health/ready', '/health/live']
    const report = () => client(gateway.internalUrl).get('/health')
    await eventually(async () => expect((await report()).status).toBe(200))
    for (const path of paths) {
      const { status, body } = await gateway.as().get(path)
      expect([path, status, body]).toEqual([path, 200, { status: 'up' }])
    }
    gateway.media.ready = false
    await eventually(async () => expect((await report()).status).toBe(503))
    expect((await report()).body).toMatchObject({
      status: 'down',
      checks: expect.arrayContaining([
        { name: 'media-service', status: 'down', detail: 'not ready' },
        { name: 'broker', status: 'up' },
      ]),
    })
    const { status, body } = await gateway.as().get('/health')
    expect([status, body]).toEqual([503, { status: 'down' }])
  })

  it('no page links to the disabled documentation', async () => {
    expect((await gateway.as().get('/')).body.links).toEqual({ health: '/health', api: '/v1' })
    expect((await gateway.as().get('/', browser)).body).not.toContain('/docs')
  })
})

describe('HTML templates', () => {
  it('every value in an HTML template is escaped', () => {
    expect(html`<p title="${'"&\''}">${'<script>'}${[html`<i>${1}</i>`]}</p>`.text).toBe(
      '<p title="&quot;&amp;&#39;">&lt;script&gt;<i>1</i></p>',
    )
  })
})

describe('Merging of OpenAPI documents', () => {
  it('a schema that two services define differently is renamed, together with its references', () => {
    const contractOf = (service: string, type: string): ServiceContract => ({
      service,
      asyncapi: {},
      openapi: {
        paths: { [`/v1/${service}`]: { get: { responses: { 200: { $ref: '#/components/schemas/Thing' } } } } },
        components: { schemas: { Thing: { type }, Same: { type: 'null' } } },
      },
    })
    const merged = mergeOpenApi([contractOf('a-service', 'string'), contractOf('b-service', 'number')], {
      publicUrl: 'http://x',
      keycloakIssuer: 'http://k/realms/r',
    }) as { paths: Record<string, unknown>; components: { schemas: Record<string, unknown> } }
    expect(merged.components.schemas).toEqual({
      Thing: { type: 'string' },
      Same: { type: 'null' },
      BServiceThing: { type: 'number' },
    })
    expect(JSON.stringify(merged.paths['/v1/b-service'])).toContain('#/components/schemas/BServiceThing')
    expect(JSON.stringify(merged.paths['/v1/a-service'])).toContain('#/components/schemas/Thing')
  })

  it('a property that has the name and shape of a schema is not renamed', () => {
    const contractOf = (service: string, type: string): ServiceContract => ({
      service,
      asyncapi: {},
      openapi: {
        paths: { [`/v1/${service}`]: { get: { responses: {} } } },
        components: { schemas: { Thing: { type }, Box: { type: 'object', properties: { Thing: { type } } } } },
      },
    })
    const { components } = mergeOpenApi([contractOf('a-service', 'string'), contractOf('b-service', 'number')], {
      publicUrl: 'http://x',
      keycloakIssuer: 'http://k/realms/r',
    }) as { components: { schemas: Record<string, unknown> } }
    expect(components.schemas).toEqual({
      Thing: { type: 'string' },
      Box: { type: 'object', properties: { Thing: { type: 'string' } } },
      BServiceThing: { type: 'number' },
      BServiceBox: { type: 'object', properties: { Thing: { type: 'number' } } },
    })
  })
})
