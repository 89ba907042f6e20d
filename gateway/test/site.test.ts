import { problems } from '@clientele/contracts/problem'
import { registry } from '@clientele/contracts/services'
import { eventually } from '@clientele/platform/testing/wait'
import { html } from '../src/pages/html.ts'
import { mergeOpenApi, type ServiceContract } from '../src/site/api-documents.ts'
import { startGateway, type TestGateway } from './gateway.ts'

const browser = { accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

describe('pages and documents (S1-48, S1-49, S4-09, S4-10, S2-32)', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway()
    await eventually(async () => expect((await gateway.as().get('/health')).status).toBe(200))
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('GET / is a page for a browser and JSON for others', async () => {
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

  it('every page forbids inline scripts and framing, and has none', async () => {
    for (const path of ['/', '/docs', '/problems', '/problems/not-found', '/nothing']) {
      const { headers, body } = await gateway.as().get(path, browser)
      const policy = headers.get('content-security-policy') ?? ''
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("script-src 'self'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy).not.toContain('unsafe')
      expect(body).not.toMatch(/<script(?![^>]*\bsrc=)|\son\w+=|javascript:/i)
    }
  })

  it('serves what its pages refer to', async () => {
    for (const path of ['/', '/docs', '/docs/oauth2-redirect.html']) {
      const { body } = await gateway.as().get(path, browser)
      const references = [...String(body).matchAll(/(?:src|href)="([^"#]+)"/g)].map((match) => match[1] ?? '')
      for (const reference of references.filter((each) => !/^https?:/.test(each))) {
        const { status } = await gateway.as().get(new URL(reference, `http://x${path}`).pathname)
        expect({ reference, status }).toEqual({ reference, status: 200 })
      }
    }
  })

  it('/docs may talk to Keycloak, keeps its sign-in window, and names the client; /api/ui leads there', async () => {
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

  it('serves nothing of the packages behind the docs but what they need', async () => {
    for (const file of ['package.json', 'swagger-ui-bundle.js.map', 'absolute-path.js', '..%2fpackage.json'])
      expect((await gateway.as().get(`/docs/${file}`)).status).toBeGreaterThanOrEqual(400)
    expect((await gateway.as().get('/assets/')).status).toBe(404)
  })

  it('merges the services into one OpenAPI document with this installation’s addresses', async () => {
    const { body } = await gateway.as().get('/openapi.json')
    expect(body.servers).toEqual([{ url: 'http://gateway.example' }])
    expect(Object.keys(body.paths)).toEqual(expect.arrayContaining(['/v1/customers', '/v1/media', '/v1/users/me']))
    const { authorizationCode } = body.components.securitySchemes.keycloak.flows
    expect(authorizationCode.tokenUrl).toBe(`${gateway.config.keycloakIssuer}/protocol/openid-connect/token`)
    expect((await gateway.as().get('/asyncapi.json')).body.asyncapi).toBe('3.0.0')
  })

  it('GET /problems/{type} explains every code, and no other', async () => {
    for (const [code, { title, status: number }] of Object.entries(problems)) {
      const { status, body } = await gateway.as().get(`/problems/${code.replaceAll('_', '-')}`)
      expect({ code, status }).toEqual({ code, status: 200 })
      expect(body).toContain(title)
      expect(body).toContain(String(number))
    }
    expect((await gateway.as().get('/problems/%3Cscript%3E', browser)).body).not.toContain('<script>')
    expect((await gateway.as().get('/problems/nothing')).status).toBe(404)
  })

  it('GET /.well-known/oauth-protected-resource names the issuer (RFC 9728)', async () => {
    const { body } = await gateway.as().get('/.well-known/oauth-protected-resource')
    expect(body).toMatchObject({
      resource: 'http://gateway.example',
      authorization_servers: [gateway.config.keycloakIssuer],
    })
  })

  it('answers 404 and 405 as a problem, or as a page for a browser', async () => {
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

  it('/metrics is not on the public port, but on the internal one', async () => {
    expect((await gateway.as().get('/metrics')).status).toBe(404)
    const metrics = await fetch(`${gateway.internalUrl}/metrics`).then((answer) => answer.text())
    expect(metrics).toContain('gateway_in_flight')
  })
})

describe('health (S1-48)', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway()
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('GET /health has a line for every part, and turns 503 when one is down, without details of where it is', async () => {
    await eventually(async () => {
      const { status, body } = await gateway.as().get('/health')
      expect({ status, names: body.checks.map(({ name }: { name: string }) => name) }).toEqual({
        status: 200,
        names: [...registry.services.map(({ name }) => name), 'keycloak', 'revocations', 'broker'],
      })
    })
    gateway.media.ready = false
    const { body } = await eventually(async () => {
      const answer = await gateway.as().get('/health')
      expect(answer.status).toBe(503)
      return answer
    })
    expect(body.checks).toContainEqual({ name: 'media-service', status: 'down', detail: 'not ready' })
    expect(JSON.stringify(body)).not.toMatch(/127\.0\.0\.1|localhost|amqp|http/)
    expect((await gateway.as().get('/health/ready')).status).toBe(200)
    expect((await gateway.as().get('/health/live')).status).toBe(200)
  })
})

describe('closing the documentation', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway({ docsEnabled: false })
  }, 60_000)
  afterAll(() => gateway?.stop())

  it.each(['/docs', '/docs/swagger-ui.css', '/openapi.json', '/asyncapi.json', '/api/ui'])(
    'GET %s answers 404',
    async (path) => {
      expect((await gateway.as().get(path)).status).toBe(404)
    },
  )

  it('offers no link to it', async () => {
    expect((await gateway.as().get('/')).body.links).toEqual({ health: '/health', api: '/v1' })
    expect((await gateway.as().get('/', browser)).body).not.toContain('/docs')
  })
})

describe('pages', () => {
  it('escape every value that is put into them', () => {
    expect(html`<p title="${'"&\''}">${'<script>'}${[html`<i>${1}</i>`]}</p>`.text).toBe(
      '<p title="&quot;&amp;&#39;">&lt;script&gt;<i>1</i></p>',
    )
  })
})

describe('merging contracts', () => {
  it('renames a schema that two services shape differently, and its references', () => {
    const part = (service: string, type: string): ServiceContract => ({
      service,
      asyncapi: {},
      openapi: {
        paths: { [`/v1/${service}`]: { get: { responses: { 200: { $ref: '#/components/schemas/Thing' } } } } },
        components: { schemas: { Thing: { type }, Same: { type: 'null' } } },
      },
    })
    const merged = mergeOpenApi([part('a-service', 'string'), part('b-service', 'number')], {
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

  it('renames no property that is called like a schema and looks like it', () => {
    const part = (service: string, type: string): ServiceContract => ({
      service,
      asyncapi: {},
      openapi: {
        paths: { [`/v1/${service}`]: { get: { responses: {} } } },
        components: { schemas: { Thing: { type }, Box: { type: 'object', properties: { Thing: { type } } } } },
      },
    })
    const { components } = mergeOpenApi([part('a-service', 'string'), part('b-service', 'number')], {
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
