import type { PublicSettings } from '@clientele/contracts/installation'
import { eventually } from '@clientele/platform/testing/wait'
import { startGateway, type TestGateway } from './gateway.ts'
import { send } from './raw-http.ts'

const settings: Record<string, PublicSettings> = {
  users: { features: { signup: true, passwordLogin: false, mail: true } },
  customers: {
    shop: { country: 'KE' },
    customers: { requiredFields: ['name', 'email'] },
    limits: { pageSize: 200, batchItems: 500, importBytes: 900_000_000 },
  },
  media: { limits: { uploadBytes: 5_000_000 } },
  others: {
    shop: { name: 'Corner Shop', locale: 'sw', timeZone: 'Africa/Nairobi', currency: 'KES' },
    orders: { customerRequired: true },
  },
}

describe('GET /v1/config', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway({ docsEnabled: false, maxBodyBytes: 400_000, maxUploadBytes: 25_000_000 })
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('it is 503 until every service has told its settings once', async () => {
    const { status, body, headers } = await gateway.as().get('/v1/config')
    expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'unavailable', '2'])
  })

  it('it merges the settings of the services and the gateway, and of limits the lowest counts', async () => {
    const [others] = gateway.stubs.filter((stub) => ![gateway.users, gateway.customers, gateway.media].includes(stub))
    if (others) others.settings = settings['others'] ?? {}
    gateway.users.settings = settings['users'] ?? {}
    gateway.customers.settings = settings['customers'] ?? {}
    gateway.media.settings = settings['media'] ?? {}
    // The failure above is shared for a second.
    const { status, body, headers } = await eventually(async () => {
      const response = await gateway.as().get('/v1/config', { origin: 'https://app.example' })
      expect(response.status).not.toBe(503)
      return response
    })
    expect([status, body]).toEqual([
      200,
      {
        name: 'Clientele',
        version: expect.stringMatching(/^\d+\.\d+\.\d+/),
        shop: { name: 'Corner Shop', locale: 'sw', timeZone: 'Africa/Nairobi', currency: 'KES', country: 'KE' },
        customers: { requiredFields: ['name', 'email'] },
        orders: { customerRequired: true },
        limits: {
          pageSize: 200,
          batchItems: 500,
          bodyBytes: 400_000,
          uploadBytes: 5_000_000,
          importBytes: gateway.config.maxFileBytes,
        },
        features: { signup: true, passwordLogin: false, mail: true, docs: false },
      },
    ])
    expect(headers.get('cache-control')).toBe('public, max-age=60')
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    expect(headers.get('vary')).toContain('Origin')
  })

  it('it has an ETag, and the settings of a service that is away stay', async () => {
    const first = await gateway.as().get('/v1/config')
    const etag = first.headers.get('etag') ?? ''
    // fetch() would ask for a fresh response.
    const again = await send(`${gateway.url}/v1/config`, { headers: { 'if-none-match': etag } })
    expect([again.status, again.headers.etag]).toEqual([304, etag])
    gateway.customers.settings = { shop: { country: 'UG' } }
    expect((await gateway.as().get('/v1/config')).body).toEqual(first.body)
  })

  it('it needs no token, and no service sees the request', async () => {
    expect((await gateway.as('not.a.token').get('/v1/config')).status).toBe(200)
    expect((await gateway.as().raw('POST', '/v1/config')).status).toBe(405)
    for (const { requests } of gateway.stubs) expect(requests).toEqual([])
  })
})
