import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DuplicateBody } from '@clientele/contracts/problem'
import { createApi, created, noContent, ok } from '@clientele/platform/http/api'
import { requireVersion } from '@clientele/platform/http/if-match'
import { Problem } from '@clientele/platform/runtime/problem'
import { client } from '@clientele/platform/testing/client'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { badTokens, signedInAs } from '@clientele/platform/testing/tokens'
import { z } from 'zod'

const Thing = z.object({ id: z.string(), name: z.string(), version: z.int() })
const NewThing = z.strictObject({ name: z.string().min(1), size: z.number().max(10).optional() })

const config = testConfig()
const api = createApi({
  service: 'test',
  title: 'Test',
  verifier: testVerifier(config),
  log: testLog(),
  config: { ...config, maxBodyBytes: 2_000 },
})
const route = { tag: 'things', summary: 'Do something with a thing' } as const
api.operation(
  {
    ...route,
    method: 'get',
    path: '/v1/things/{id}',
    operationId: 'getThing',
    roles: ['user'],
    params: z.object({ id: z.string() }),
    responses: { 200: Thing },
  },
  async ({ params }) => {
    if (params.id === 'missing') throw new Problem('not_found', { detail: 'thing not found' })
    if (params.id === 'broken') throw new Error('SELECT secret FROM internals')
    return ok({ id: params.id, name: 'a', version: params.id === 'wrong' ? 3.5 : 3 })
  },
)
api.operation(
  {
    ...route,
    method: 'patch',
    path: '/v1/things/{id}',
    operationId: 'updateThing',
    roles: ['admin'],
    params: z.object({ id: z.string() }),
    body: NewThing,
    responses: { 200: Thing, 409: DuplicateBody },
  },
  async ({ ifMatch, body }) => {
    requireVersion('the thing', { version: 3 }, ifMatch)
    return ok({ id: '1', name: body.name, version: 4 })
  },
)
api.operation(
  {
    ...route,
    method: 'post',
    path: '/v1/things',
    operationId: 'createThing',
    roles: ['user'],
    body: NewThing,
    responses: { 201: Thing },
  },
  async ({ body, actor }) => created({ id: actor.id, name: body.name, version: 1 }, '/v1/things/1'),
)
api.operation(
  {
    ...route,
    method: 'put',
    path: '/v1/small',
    operationId: 'replaceSmall',
    roles: ['user'],
    body: NewThing,
    maxBodyBytes: 500,
    responses: { 204: null },
  },
  async () => noContent(),
)
api.operation(
  { ...route, method: 'post', path: '/v1/open', operationId: 'open', roles: 'public', responses: { 204: null } },
  async () => noContent(),
)

let server: Server
let base = ''
beforeAll(async () => {
  server = createServer(api.app()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => server.close())

const as = async (role: 'user' | 'admin' | 'nobody') => client(base, (await signedInAs(role)).token)

describe('Authorization of a route', () => {
  it('a request without a token gets 401 with WWW-Authenticate', async () => {
    const response = await client(base).get('/v1/things/1')
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(response.headers.get('content-type')).toMatch('application/problem+json')
    expect(response.body).toMatchObject({
      code: 'unauthorized',
      type: '/problems/unauthorized',
      instance: '/v1/things/1',
    })
  })

  it('every kind of invalid token gets 401', async () => {
    for (const [kind, token] of Object.entries(await badTokens())) {
      const { status, body } = await client(base, token).get('/v1/things/1')
      expect({ kind, status, code: body.code }).toEqual({ kind, status: 401, code: 'invalid_token' })
    }
  })

  it('a user without the role gets 403, and an admin may call what a user may', async () => {
    expect((await (await as('nobody')).get('/v1/things/1')).status).toBe(403)
    expect((await (await as('user')).patch('/v1/things/1', { name: 'b' })).body).toMatchObject({
      status: 403,
      code: 'forbidden',
    })
    expect((await (await as('admin')).get('/v1/things/1')).status).toBe(200)
  })

  it('a public route works without a token and with an invalid one', async () => {
    expect((await client(base).post('/v1/open')).status).toBe(204)
    expect((await client(base, 'x.y.z').post('/v1/open')).status).toBe(204)
  })
})

describe('Request validation', () => {
  it('a body with invalid fields gets 422 with a pointer to each of them', async () => {
    const { status, body } = await (await as('user')).post('/v1/things', { size: 11, id: 'mine', version: 9 })
    expect(status).toBe(422)
    expect(body.errors).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ pointer: '/name', code: 'required' }),
        expect.objectContaining({ pointer: '/size' }),
        expect.objectContaining({ pointer: '/id', code: 'unknown_field' }),
        expect.objectContaining({ pointer: '/version', code: 'unknown_field' }),
      ]),
    )
  })

  it.each([
    ['a body that is nested too deeply', `${'['.repeat(65)}${']'.repeat(65)}`, 400, 'malformed'],
    ['a body that is only a byte order mark', '\ufeff', 400, 'malformed'],
    ['incomplete JSON', '{"name":', 400, 'malformed'],
    ['a body that is not JSON', 'name=a', 400, 'malformed'],
    ['a body over the limit', JSON.stringify({ name: 'x'.repeat(3_000) }), 413, 'too_large'],
    ['a body that is not UTF-8', new Uint8Array([0x22, 0xff, 0xfe, 0x22]), 400, 'malformed'],
  ])('a request with %s gets a problem', async (_name, body, status, code) => {
    const response = await (await as('user')).post('/v1/things', body, { 'content-type': 'application/json' })
    expect(response.body).toMatchObject({ status, code })
  })

  it('a body over the limit of its route gets 413 with the limit, which the contract shows', async () => {
    const put = async (length: number) => (await as('user')).put('/v1/small', { name: 'x'.repeat(length) })
    expect((await put(400)).status).toBe(204)
    expect((await put(600)).body).toMatchObject({
      status: 413,
      limit: 500,
      detail: 'the body is larger than 500 bytes',
    })
    expect(api.document().paths?.['/v1/small']?.put).toMatchObject({ 'x-max-body-bytes': 500 })
  })

  it('a body or query with very many unknown fields gets a hundred errors', async () => {
    const names = Array.from({ length: 180 }, (_, index) => `f${index}`)
    const body = Object.fromEntries(names.map((name) => [name, 1]))
    expect((await (await as('user')).post('/v1/things', body)).body.errors).toHaveLength(100)
    const query = names.map((name) => `${name}=1`).join('&')
    expect((await (await as('user')).get(`/v1/things/1?${query}`)).body.errors).toHaveLength(100)
  })

  it('a body of another content type gets 415', async () => {
    const response = await (await as('user')).post('/v1/things', '<a/>', { 'content-type': 'text/xml' })
    expect(response.body).toMatchObject({
      status: 415,
      code: 'unsupported_media_type',
      detail: 'send application/json, not text/xml',
      supported: ['application/json'],
    })
  })

  it('an unknown or repeated query parameter gets 400', async () => {
    expect((await (await as('user')).get('/v1/things/1?admin=true')).body).toMatchObject({
      status: 400,
      code: 'unknown_parameter',
    })
    expect((await (await as('user')).get('/v1/things/1?__proto__=1')).body).toMatchObject({ code: 'unknown_parameter' })
    expect((await (await as('user')).get('/v1/things/1?a=1&a=2')).body).toMatchObject({
      status: 400,
      code: 'invalid_parameter',
    })
  })

  it('an unknown path gets 404, an unknown method 405 with Allow, and invalid percent-encoding 400', async () => {
    const user = await as('user')
    expect((await user.get('/v1/nothing')).body).toMatchObject({ status: 404, code: 'not_found' })
    const wrong = await user.delete('/v1/things/1')
    expect(wrong.body).toMatchObject({ status: 405, code: 'method_not_allowed' })
    expect(wrong.headers.get('allow')).toBe('GET, PATCH, HEAD')
    expect((await user.get('/v1/things/%E0%A4%A')).body).toMatchObject({ status: 400, code: 'malformed' })
  })
})

describe('Responses', () => {
  it('a 500 contains no internal details', async () => {
    const { status, body } = await (await as('user')).get('/v1/things/broken')
    expect(status).toBe(500)
    expect(JSON.stringify(body)).not.toMatch(/SELECT|internals/)
    expect(body).toMatchObject({ code: 'internal', requestId: expect.any(String) })
  })

  it('a response that does not match its schema becomes a 500 in tests', async () => {
    expect((await (await as('user')).get('/v1/things/wrong')).status).toBe(500)
  })

  it('a response has the X-Request-Id of its request, or a new one if the request has none', async () => {
    const user = await as('user')
    const known = await user.get('/v1/things/missing', { 'x-request-id': 'abc-1' })
    expect(known.headers.get('x-request-id')).toBe('abc-1')
    expect(known.body.requestId).toBe('abc-1')
    expect((await user.get('/v1/things/1', { 'x-request-id': 'a b' })).headers.get('x-request-id')).toMatch(
      /^[0-9a-f-]{36}$/,
    )
  })

  it('a record is not stored by caches and has a strong ETag: a matching If-None-Match gets 304, an If-Match of an older version 412', async () => {
    const user = await as('user')
    const { headers } = await user.get('/v1/things/1')
    expect(headers.get('cache-control')).toBe('no-store')
    const etag = headers.get('etag') ?? ''
    expect(etag).toMatch(/^"3\.[\w-]+"$/)
    expect((await user.get('/v1/things/1', { 'if-none-match': etag })).status).toBe(304)
    const admin = await as('admin')
    expect((await admin.patch('/v1/things/1', { name: 'b' }, { 'if-match': etag })).status).toBe(200)
    expect((await admin.patch('/v1/things/1', { name: 'b' }, { 'if-match': '"2.x"' })).body).toMatchObject({
      code: 'precondition_failed',
      current: { version: 3, etag: '"3"' },
    })
    expect((await admin.patch('/v1/things/1', { name: 'b' }, { 'if-match': 'W/"3"' })).status).toBe(412)
  })

  it.each([
    ['"2", "3"', 200],
    ['"2.abc","3.q1cX" , "9"', 200],
    ['W/"2", "3"', 200],
    ['"of another server", "3"', 200],
    ['"2", "4"', 412],
    ['W/"3", W/"2"', 412],
    ['"of another server"', 412],
    ['', 412],
  ])('If-Match with the ETags %s of a record at version 3 gets %i', async (tags, status) => {
    const admin = await as('admin')
    const response = await admin.patch('/v1/things/1', { name: 'b' }, { 'if-match': tags })
    expect(response.status).toBe(status)
    if (tags.startsWith('W/') && status === 412) expect(response.body.detail).toContain('weak ETags')
  })
})

it('the OpenAPI 3.1 document describes every route with its roles and problems', () => {
  const document = api.document()
  expect(document.openapi).toBe('3.1.0')
  expect(document.paths?.['/v1/things']?.post).toMatchObject({
    operationId: 'createThing',
    security: [{ bearer: [] }, { keycloak: [] }],
    requestBody: { content: { 'application/json': {} } },
  })
  expect(Object.keys(document.paths?.['/v1/things']?.post?.responses ?? {})).toEqual(
    expect.arrayContaining(['201', '401', '403', '422', '429']),
  )
  expect(document.paths?.['/v1/open']?.post?.security).toEqual([])
})
