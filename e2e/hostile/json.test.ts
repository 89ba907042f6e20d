import { allRoutes, filled, type Route } from '../routes.ts'
import { services } from '../services.ts'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'
import { isAlive, watchAnswers } from './watch.ts'

let system: HostileSystem
let tokens: Record<'user' | 'admin', string>
beforeAll(async () => {
  system = await startHostileSystem()
  tokens = { user: (await system.person('user')).token, admin: (await system.person('admin')).token }
}, 120_000)
afterAll(() => system?.close(), 60_000)

const deep = (open: string, close: string, depth = 100_000) => `${open.repeat(depth)}0${close.repeat(depth)}`
const inBatch = (data: string) => `{"items":[{"op":"create","data":${data}}]}`
const bodies: Record<string, string | Buffer> = {
  'arrays 100,000 deep': deep('[', ']'),
  'objects 100,000 deep': deep('{"a":', '}'),
  'objects 100,000 deep where any field is taken': inBatch(`{"metadata":${deep('{"a":', '}')}}`),
  'arrays 100,000 deep that do not end': '['.repeat(100_000),
  'a string of 10 MB': JSON.stringify({ name: 'x'.repeat(10_000_000) }),
  'a string of 900 kB in every field': JSON.stringify(
    Object.fromEntries(['name', 'email', 'phone', 'username', 'refreshToken'].map((key) => [key, 'x'.repeat(180_000)])),
  ),
  'half a million faulty items': `{"tags":[${'1,'.repeat(240_000)}1],"items":[${'1,'.repeat(240_000)}1]}`,
  '50,000 unknown fields': JSON.stringify(Object.fromEntries(Array.from({ length: 50_000 }, (_, n) => [`f${n}`, n]))),
  'unknown fields twice': '{"nobodyKnows":1,"nobodyKnows":2}',
  'a prototype': '{"__proto__":{"roles":["admin"]},"constructor":{"prototype":{"roles":["admin"]}}}',
  'a number beyond all': '{"name":1e400,"version":9007199254740993}',
  NaN: '{"name":NaN}',
  null: 'null',
  'a number': '1',
  'nothing but a byte order mark': '\ufeff',
  'bytes that are not UTF-8': Buffer.from([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
  'UTF-16': Buffer.from('{"name":"x"}', 'utf16le'),
}

// What a file holds is judged by the job that reads it.
const takesJson = ({ types, files }: Route) => types.some((type) => type.includes('json') && !files.includes(type))
const jsonRoutes = allRoutes().filter(takesJson)
const uuid = '01900000-0000-7000-8000-000000000000'

const send = async (route: Route, body: string | Buffer, base: string) => {
  const token = route.access === 'admin' ? tokens.admin : tokens.user
  const headers = { 'content-type': 'application/json', 'idempotency-key': crypto.randomUUID() }
  const path = filled(route.path, uuid).replace(`/roles/${uuid}`, '/roles/user')
  const { status, headers: answered } = await system
    .as(token, base)
    .raw(route.method, path, { headers, body: new Uint8Array(Buffer.from(body)) })
  return { status, type: answered.get('content-type') }
}

describe('JSON that is meant to hurt', () => {
  it.each(Object.entries(bodies))(
    '%s: refused on every route, by the gateway and by the service, while others are answered within three seconds',
    async (_name, body) => {
      expect(jsonRoutes.length).toBeGreaterThan(10)
      const watches = services.map((name) => watchAnswers(`${system.url(`${name}:internal`)}/health/live`))
      const wrong: unknown[] = []
      for (const route of jsonRoutes)
        for (const base of [system.gateway, system.url(route.service)]) {
          const { status, type } = await send(route, body, base)
          const refused = [400, 413, 422].includes(status) && type?.startsWith('application/problem+json')
          if (!refused) wrong.push([route.name, base === system.gateway ? 'gateway' : route.service, status, type])
        }
      expect(wrong).toEqual([])
      for (const { longest, answers } of await Promise.all(watches.map(({ stop }) => stop()))) {
        expect(answers).toBeGreaterThan(0)
        expect(longest).toBeLessThan(3_000)
      }
      for (const name of services) expect(isAlive(system.pid(name))).toBe(true)
    },
    60_000,
  )
})

describe('JSON that could be understood in two ways', () => {
  const create = (body: string, base = system.gateway) =>
    system.as(tokens.user, base).raw('POST', '/v1/customers', { headers: { 'content-type': 'application/json' }, body })

  it('of a field that is given twice the last one counts, for gateway and service alike', async () => {
    for (const base of [system.gateway, system.url('customer-service')]) {
      const { status, body } = await create('{"name":"First","surname":"X","name":"Last"}', base)
      expect({ status, name: body.name }).toEqual({ status: 201, name: 'Last' })
    }
  })

  it('`__proto__` in free data is data or nothing, and changes no other request', async () => {
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
    'the number %s is refused rather than stored as another one',
    async (number) => {
      const { status, body } = await create(`{"name":"Num","surname":"Ber","metadata":{"number":${number}}}`)
      expect({ status, pointers: body.errors?.map(({ pointer }: { pointer: string }) => pointer) }).toEqual({
        status: 422,
        pointers: ['/metadata/number'],
      })
    },
  )

  it('the largest whole numbers come back as they were sent', async () => {
    const { status, body } = await create(
      '{"name":"Num","surname":"Ber","metadata":{"most":9007199254740991,"least":-9007199254740991,"part":0.1}}',
    )
    expect({ status, metadata: body.metadata }).toEqual({
      status: 201,
      metadata: { most: 9007199254740991, least: -9007199254740991, part: 0.1 },
    })
  })
})

it('nothing secret stands in the logs and refusals of all this', () => {
  const { logLines, refusals, ...found } = system.leaks()
  expect(logLines).toBeGreaterThan(100)
  expect(refusals).toBeGreaterThan(100)
  expect(found).toEqual({ inLogs: [], inRefusals: [] })
})
