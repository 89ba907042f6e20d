import { ClienteleError, createClient } from '../src/index.ts'
import { problem, type Reply, type StubApi, startStubApi } from './stub-api.ts'

let api: StubApi
afterEach(() => api?.stop())

const customer: Reply = { status: 200, body: { id: '1', name: 'Ana', surname: 'Lovelace', version: 1 } }
const created: Reply = { status: 201, body: { id: '1', name: 'Ana', surname: 'Lovelace', version: 1 } }
const ana = { name: 'Ana', surname: 'Lovelace' }
const start = async (...replies: Reply[]) => {
  api = await startStubApi(replies)
  return createClient({ baseUrl: `${api.url}/`, getToken: () => 'a-token' })
}
const keys = () => api.received.map(({ headers }) => headers['idempotency-key'])
const errorOf = (call: Promise<unknown>): Promise<ClienteleError> =>
  call.then(
    () => {
      throw new Error('the call succeeded')
    },
    (error) => error,
  )

describe('Requests of the client', () => {
  it('a GET that gets 503 is repeated after the time in Retry-After', async () => {
    const clientele = await start(problem(503, 'unavailable', { 'retry-after': '1' }), customer)
    const begin = Date.now()
    expect(await clientele.customers.get('1')).toMatchObject(ana)
    expect(Date.now() - begin).toBeGreaterThanOrEqual(990)
    expect(api.received.map(({ method, path }) => `${method} ${path}`)).toEqual([
      'GET /v1/customers/1',
      'GET /v1/customers/1',
    ])
  })

  it('the status and headers of the response can be read', async () => {
    const clientele = await start(problem(503, 'unavailable', { 'retry-after': '0' }), {
      ...created,
      headers: { 'idempotency-replayed': 'true' },
    })
    const responses: [number, string | null][] = []
    await clientele.customers.create(ana, {
      onResponse: ({ status, headers }) => responses.push([status, headers.get('idempotency-replayed')]),
    })
    expect(responses).toEqual([[201, 'true']])
  })

  it('a POST is repeated with the same idempotency key, and another call has another key', async () => {
    const clientele = await start(problem(429, 'rate_limited', { 'retry-after': '0' }), created)
    await clientele.customers.create(ana)
    await clientele.customers.create(ana)
    const [first, second, third] = keys()
    expect(first).toMatch(/^[\da-f]{32}$/)
    expect(second).toBe(first)
    expect(third).not.toBe(first)
  })

  it('a POST whose first attempt still runs is repeated, and with a key of the caller, that is the key', async () => {
    const clientele = await start(problem(409, 'idempotency_running', { 'retry-after': '0' }), created)
    await clientele.customers.create(ana, { idempotencyKey: 'till-17' })
    expect(keys()).toEqual(['till-17', 'till-17'])
  })

  it('a PATCH and a sign-in are not repeated, and the sign-in has no idempotency key', async () => {
    const clientele = await start(problem(503, 'unavailable', { 'retry-after': '0' }))
    expect((await errorOf(clientele.customers.update('1', { name: 'Ana' }))).status).toBe(503)
    const signingIn = createClient({ baseUrl: api.url })
    expect((await errorOf(signingIn.signIn({ username: 'ana', password: 'secret' }))).code).toBe('unavailable')
    expect(api.received.map(({ method, headers }) => [method, headers['idempotency-key'] ?? 'no key'])).toEqual([
      ['PATCH', 'no key'],
      ['POST', 'no key'],
    ])
  })

  it('a lost connection is repeated, and after the last attempt the error says network_error', async () => {
    await start((res) => res.destroy())
    const error = await errorOf(createClient({ baseUrl: api.url, maxRetries: 1 }).customers.get('1'))
    expect(error).toMatchObject({ name: 'ClienteleError', code: 'network_error', status: 0, errors: [] })
    expect(api.received).toHaveLength(2)
  })

  it('an attempt ends after its timeout', async () => {
    const clientele = await start(() => {})
    const begin = Date.now()
    const error = await errorOf(clientele.customers.update('1', {}, { timeoutMs: 50 }))
    expect(Date.now() - begin).toBeLessThan(2_000)
    expect(error).toMatchObject({ code: 'timed_out', message: 'PATCH /v1/customers/{key}: no response within 50 ms' })
  })

  it('a Retry-After of more than a minute is not waited for', async () => {
    const clientele = await start(problem(429, 'quota_exceeded', { 'retry-after': '3600' }))
    expect(await errorOf(clientele.customers.get('1'))).toMatchObject({
      code: 'quota_exceeded',
      retryAfterMs: 3_600_000,
    })
    expect(api.received).toHaveLength(1)
  })

  it('the signal of a call cancels the request, and the wait before the next attempt', async () => {
    const clientele = await start(problem(503, 'unavailable', { 'retry-after': '30' }))
    const controller = new AbortController()
    const call = errorOf(clientele.customers.get('1', { signal: controller.signal }))
    setTimeout(() => controller.abort(new Error('left the page')), 100)
    expect(await call).toEqual(new Error('left the page'))
    expect(await errorOf(clientele.customers.get('1', { signal: controller.signal }))).toEqual(
      new Error('left the page'),
    )
  })

  it('an error has code, status, fields and request id, and its message no value of the path', async () => {
    const clientele = await start({
      status: 422,
      body: {
        code: 'validation',
        title: 'Invalid fields',
        status: 422,
        type: '/problems/validation',
        errors: [{ pointer: '/name', code: 'required', message: 'is missing' }],
      },
      headers: { 'x-request-id': 'r-17' },
    })
    const error = await errorOf(clientele.customers.replace('ana@example.com', ana))
    expect(error).toBeInstanceOf(ClienteleError)
    expect(error).toMatchObject({
      code: 'validation',
      status: 422,
      requestId: 'r-17',
      errors: [{ pointer: '/name' }],
      message: 'PUT /v1/customers/{key}: 422 validation: Invalid fields',
    })
  })

  it('a response of a proxy in between gets the code of its status, or unexpected_response', async () => {
    const page =
      (status: number): Reply =>
      (res) =>
        res.writeHead(status, { 'content-type': 'text/html' }).end('<h1>')
    const clientele = await start(page(413), page(418))
    expect((await errorOf(clientele.customers.update('1', {}))).code).toBe('too_large')
    expect((await errorOf(clientele.customers.update('1', {}))).code).toBe('unexpected_response')
  })

  it('a response that is no JSON is an unexpected_response', async () => {
    const clientele = await start((res) => res.writeHead(200, { 'content-type': 'text/html' }).end('<h1>Portal</h1>'))
    expect(await errorOf(clientele.customers.get('1'))).toMatchObject({ code: 'unexpected_response', status: 200 })
  })

  it('keys are encoded, and one that would lead to another path is refused before a request is sent', async () => {
    const clientele = await start(customer)
    await clientele.customers.get('a/b?c', { query: { idBy: 'externalId' } })
    expect(api.received[0]?.path).toBe('/v1/customers/a%2Fb%3Fc?idBy=externalId')
    for (const key of ['', '.', '..'])
      expect(await errorOf(clientele.customers.delete(key))).toEqual(
        new TypeError(`key of /v1/customers/{key} must not be "${key}"`),
      )
    expect(api.received).toHaveLength(1)
  })

  it('arrays in a query are separated by commas, commas in them are escaped, and absent parameters are left out', async () => {
    const clientele = await start({ status: 200, body: { data: [], page: { nextCursor: null } } })
    await clientele.customers.page({ id: ['a,b', 'c\\d'], tag: 'vip', q: undefined as never })
    expect(new URL(api.received[0]?.path ?? '', api.url).searchParams.toString()).toBe(
      new URLSearchParams({ id: 'a\\,b,c\\\\d', tag: 'vip' }).toString(),
    )
  })

  it('the version of a record is sent as its ETag', async () => {
    const clientele = await start(customer)
    await clientele.customers.update('1', {}, { ifMatch: 7 })
    await clientele.customers.update('1', {}, { ifMatch: '"7.abc.br"' })
    expect(api.received.map(({ headers }) => headers['if-match'])).toEqual(['"7"', '"7.abc.br"'])
  })

  it('an object with a file is sent as a form, a file as it is, and another object as JSON', async () => {
    const clientele = await start({ status: 201, body: { id: 'm' } })
    const file = new File(['png'], 'ana.png', { type: 'image/png' })
    await clientele.media.upload({ file })
    await clientele.customers.setPhoto('1', file)
    await clientele.customers.setPhoto('1', { mediaId: 'm' })
    expect(api.received.map(({ headers }) => headers['content-type']?.split(';')[0])).toEqual([
      'multipart/form-data',
      'image/png',
      'application/json',
    ])
    expect(api.received[0]?.body).toContain('name="file"; filename="ana.png"')
  })
})
