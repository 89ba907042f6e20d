import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { DuplicateBody } from '@clientele/contracts/problem'
import { createApi, created, noContent, ok } from '@clientele/platform/http/api'
import { Problem } from '@clientele/platform/runtime/problem'
import { client } from '@clientele/platform/testing/client'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { badTokens, tokenFor } from '@clientele/platform/testing/tokens'
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
const route = { tag: 'things', summary: 'a thing' } as const
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
    operationId: 'patchThing',
    roles: ['admin'],
    params: z.object({ id: z.string() }),
    body: NewThing,
    responses: { 200: Thing, 409: DuplicateBody },
  },
  async ({ ifMatch, body }) => {
    if (ifMatch !== undefined && ifMatch !== 3) throw new Problem('precondition_failed')
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

const as = async (role: 'user' | 'admin' | 'nobody') => client(base, (await tokenFor(role)).token)

describe('who may call (S0-01, S0-08, S0-22, S1-03, S1-27, S1-28, S2-24, S3-21, S3-32, S4-25)', () => {
  it('answers 401 with WWW-Authenticate without a token', async () => {
    const answer = await client(base).get('/v1/things/1')
    expect(answer.status).toBe(401)
    expect(answer.headers.get('www-authenticate')).toMatch(/^Bearer/)
    expect(answer.headers.get('content-type')).toMatch('application/problem+json')
    expect(answer.body).toMatchObject({
      code: 'unauthorized',
      type: '/problems/unauthorized',
      instance: '/v1/things/1',
    })
  })

  it('answers 401 to every bad token', async () => {
    for (const [kind, token] of Object.entries(await badTokens())) {
      const { status, body } = await client(base, token).get('/v1/things/1')
      expect({ kind, status, code: body.code }).toEqual({ kind, status: 401, code: 'invalid_token' })
    }
  })

  it('answers 403 without the role, and lets an admin do what a user may', async () => {
    expect((await (await as('nobody')).get('/v1/things/1')).status).toBe(403)
    expect((await (await as('user')).patch('/v1/things/1', { name: 'b' })).body).toMatchObject({
      status: 403,
      code: 'forbidden',
    })
    expect((await (await as('admin')).get('/v1/things/1')).status).toBe(200)
  })

  it('serves a public route without a token and with a broken one', async () => {
    expect((await client(base).post('/v1/open')).status).toBe(204)
    expect((await client(base, 'x.y.z').post('/v1/open')).status).toBe(204)
  })
})

describe('bad input (S1-29, S4-17)', () => {
  it('answers 422 with every field at once and a pointer each', async () => {
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
    ['a body nested too deep', `${'['.repeat(65)}${']'.repeat(65)}`, 400, 'malformed'],
    ['nothing but a byte order mark', '\ufeff', 400, 'malformed'],
    ['half a JSON', '{"name":', 400, 'malformed'],
    ['no JSON', 'name=a', 400, 'malformed'],
    ['a body over the limit', JSON.stringify({ name: 'x'.repeat(3_000) }), 413, 'too_large'],
    ['bytes that are no UTF-8', new Uint8Array([0x22, 0xff, 0xfe, 0x22]), 400, 'malformed'],
  ])('answers %s with a problem', async (_name, body, status, code) => {
    const answer = await (await as('user')).post('/v1/things', body, { 'content-type': 'application/json' })
    expect(answer.body).toMatchObject({ status, code })
  })

  it('answers 415 to another content type', async () => {
    const answer = await (await as('user')).post('/v1/things', '<a/>', { 'content-type': 'text/xml' })
    expect(answer.body).toMatchObject({ status: 415, code: 'unsupported_media_type' })
  })

  it('answers 400 to an unknown or repeated query parameter', async () => {
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

  it('answers 404 to an unknown address, 405 with Allow to an unknown method, 400 to a broken escape', async () => {
    const user = await as('user')
    expect((await user.get('/v1/nothing')).body).toMatchObject({ status: 404, code: 'not_found' })
    const wrong = await user.delete('/v1/things/1')
    expect(wrong.body).toMatchObject({ status: 405, code: 'method_not_allowed' })
    expect(wrong.headers.get('allow')).toBe('GET, PATCH, HEAD')
    expect((await user.get('/v1/things/%E0%A4%A')).body).toMatchObject({ status: 400, code: 'malformed' })
  })
})

describe('answers', () => {
  it('tell nothing internal in a 500', async () => {
    const { status, body } = await (await as('user')).get('/v1/things/broken')
    expect(status).toBe(500)
    expect(JSON.stringify(body)).not.toMatch(/SELECT|internals/)
    expect(body).toMatchObject({ code: 'internal', requestId: expect.any(String) })
  })

  it('are checked against the declared shape in tests', async () => {
    expect((await (await as('user')).get('/v1/things/wrong')).status).toBe(500)
  })

  it('echo X-Request-Id and make one where there is none', async () => {
    const user = await as('user')
    const known = await user.get('/v1/things/missing', { 'x-request-id': 'abc-1' })
    expect(known.headers.get('x-request-id')).toBe('abc-1')
    expect(known.body.requestId).toBe('abc-1')
    expect((await user.get('/v1/things/1', { 'x-request-id': 'a b' })).headers.get('x-request-id')).toMatch(
      /^[0-9a-f-]{36}$/,
    )
  })

  it('carry a strong ETag; If-None-Match gives 304, If-Match of an older version 412', async () => {
    const user = await as('user')
    const etag = (await user.get('/v1/things/1')).headers.get('etag') ?? ''
    expect(etag).toMatch(/^"3\.[\w-]+"$/)
    expect((await user.get('/v1/things/1', { 'if-none-match': etag })).status).toBe(304)
    const admin = await as('admin')
    expect((await admin.patch('/v1/things/1', { name: 'b' }, { 'if-match': etag })).status).toBe(200)
    expect((await admin.patch('/v1/things/1', { name: 'b' }, { 'if-match': '"2.x"' })).body).toMatchObject({
      code: 'precondition_failed',
    })
    expect((await admin.patch('/v1/things/1', { name: 'b' }, { 'if-match': 'W/"3"' })).status).toBe(412)
  })
})

it('describes every route with its roles and problems in OpenAPI 3.1 (S2-32, S4-15)', () => {
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
