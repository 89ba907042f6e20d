import { allRoutes, fillPath, type Route } from '../routes.ts'
import { services } from '../services.ts'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'
import { isAlive, measureLatency } from './process-probes.ts'

let system: HostileSystem
let tokens: Record<'user' | 'admin', string>
beforeAll(async () => {
  system = await startHostileSystem()
  tokens = { user: (await system.signInNewUser('user')).token, admin: (await system.signInNewUser('admin')).token }
}, 120_000)
afterAll(() => system?.close(), 60_000)

const deep = (open: string, close: string, depth = 100_000) => `${open.repeat(depth)}0${close.repeat(depth)}`
const inBatch = (data: string) => `{"items":[{"op":"create","data":${data}}]}`
const bodies: Record<string, string | Buffer> = {
  'nested arrays, 100,000 levels': deep('[', ']'),
  'nested objects, 100,000 levels': deep('{"a":', '}'),
  'nested objects in metadata, 100,000 levels': inBatch(`{"metadata":${deep('{"a":', '}')}}`),
  '100,000 arrays that are not closed': '['.repeat(100_000),
  'a string of 10 MB': JSON.stringify({ name: 'x'.repeat(10_000_000) }),
  'a string of 900 kB in every field': JSON.stringify(
    Object.fromEntries(['name', 'email', 'phone', 'username', 'refreshToken'].map((key) => [key, 'x'.repeat(180_000)])),
  ),
  'half a million invalid items': `{"tags":[${'1,'.repeat(240_000)}1],"items":[${'1,'.repeat(240_000)}1]}`,
  '50,000 unknown fields': JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`f${n}`, n]))),
  'duplicate unknown fields': '{"unknown":1,"unknown":2}',
  '__proto__ and constructor': '{"__proto__":{"roles":["admin"]},"constructor":{"prototype":{"roles":["admin"]}}}',
  'numbers that are too large': '{"name":1e400,"version":9007199254740993}',
  NaN: '{"name":NaN}',
  null: 'null',
  'a number': '1',
  'only a byte order mark': '\ufeff',
  'bytes that are not UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  'UTF-16': Buffer.from('{"name":"x"}', 'utf16le'),
}

// Files of imports are left out: a job reads them later.
const takesJson = ({ types, files }: Route) => types.some((type) => type.includes('json') && !files.includes(type))
const jsonRoutes = allRoutes().filter(takesJson)
const uuid = '01900000-0000-7000-8000-000000000000'

const send = async (route: Route, body: string | Buffer, base: string) => {
  const token = route.access === 'admin' ? tokens.admin : tokens.user
  const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }
  const path = fillPath(route.path, uuid).replace(`/roles/${uuid}`, '/roles/user')
  const response = await system
    .as(token, base)
    .raw(route.method, path, { headers, body: new Uint8Array(Buffer.from(body)) })
  return { status: response.status, type: response.headers.get('content-type') }
}

describe('Hostile JSON', () => {
  it.each(Object.entries(bodies))(
    'a body of %s is refused on every route, and other requests get responses within three seconds',
    async (_name, body) => {
      expect(jsonRoutes.length).toBeGreaterThan(10)
      const latencies = services.map((name) => measureLatency(`${system.url(`${name}:internal`)}/health/live`))
      const accepted: unknown[] = []
      for (const route of jsonRoutes)
        for (const base of [system.gateway, system.url(route.service)]) {
          const { status, type } = await send(route, body, base)
          const refused = [400, 413, 422].includes(status) && type?.startsWith('application/problem+json')
          if (!refused) accepted.push([route.name, base === system.gateway ? 'gateway' : route.service, status, type])
        }
      expect(accepted).toEqual([])
      for (const { maxMs, responses } of await Promise.all(latencies.map(({ stop }) => stop()))) {
        expect(responses).toBeGreaterThan(0)
        expect(maxMs).toBeLessThan(3_000)
      }
      for (const name of services) expect(isAlive(system.pid(name))).toBe(true)
    },
    60_000,
  )
})

describe('Ambiguous JSON', () => {
  const create = (body: string, base = system.gateway) =>
    system.as(tokens.user, base).raw('POST', '/v1/customers', { headers: { 'content-type': 'application/json' }, body })

  it('the last of two fields with the same name counts, at the gateway and at the service', async () => {
    for (const base of [system.gateway, system.url('customer-service')]) {
      const { status, body } = await create('{"name":"First","surname":"X","name":"Last"}', base)
      expect({ status, name: body.name }).toEqual({ status: 201, name: 'Last' })
    }
  })

  it('`__proto__` in metadata is stored as data or refused, and does not affect other requests', async () => {
    const { status, body } = await create(
      '{"name":"Pro","surname":"To","metadata":{"__proto__":{"admin":true},"constructor":"x","kept":1}}',
    )
    expect([201, 422]).toContain(status)
    if (status === 201) expect({ ...body.metadata }).toMatchObject({ kept: 1 })
    expect(body.metadata?.admin).toBeUndefined()
    const next = await create('{"name":"Next","surname":"One"}')
    expect(next.status).toBe(201)
    expect(next.body.metadata).toEqual({})
    expect((await system.as(tokens.user).get('/v1/users')).status).toBe(403)
  })

  it.each(['9007199254740993', '-9007199254740993', '1e400', '123456789012345678901234567890'])(
    'the number %s is refused, because it would be stored as another number',
    async (number) => {
      const { status, body } = await create(`{"name":"Num","surname":"Ber","metadata":{"number":${number}}}`)
      expect({ status, pointers: body.errors?.map(({ pointer }: { pointer: string }) => pointer) }).toEqual({
        status: 422,
        pointers: ['/metadata/number'],
      })
    },
  )

  it('the largest exact integers are returned as they were sent', async () => {
    const { status, body } = await create(
      '{"name":"Num","surname":"Ber","metadata":{"max":9007199254740991,"min":-9007199254740991,"part":0.1}}',
    )
    expect({ status, metadata: body.metadata }).toEqual({
      status: 201,
      metadata: { max: 9007199254740991, min: -9007199254740991, part: 0.1 },
    })
  })
})

it('logs and error responses contain no secrets', () => {
  const { logLines, errorResponses, ...found } = system.findLeaks()
  expect(logLines).toBeGreaterThan(100)
  expect(errorResponses).toBeGreaterThan(100)
  expect(found).toEqual({ inLogs: [], inErrorResponses: [] })
})
