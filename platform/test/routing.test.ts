import { createServer, type IncomingMessage, request, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { type Api, createApi, ok } from '@clientele/platform/http/api'
import { testConfig, testVerifier } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { pino } from 'pino'
import { z } from 'zod'

const Echo = z.object({ operation: z.string(), params: z.record(z.string(), z.string()) })

const declare = (api: Api, method: 'get' | 'post' | 'put', path: string, operationId: string): void => {
  const names = [...path.matchAll(/\{(\w+)\}/g)].map(([, name]) => String(name))
  const params = z.object(Object.fromEntries(names.map((name) => [name, z.string()])))
  api.operation(
    {
      tag: 'things',
      summary: 'Do something with a thing',
      method,
      path,
      operationId,
      roles: 'public',
      params,
      query: z.object({ q: z.string().optional() }),
      responses: { 200: Echo },
    },
    async (context) => ok({ operation: operationId, params: context.params }),
  )
}

const config = testConfig()
const lines: Record<string, unknown>[] = []
const log = pino({}, { write: (line: string) => lines.push(JSON.parse(line)) })
const api = createApi({ service: 'test', title: 'Test', verifier: testVerifier(config), log, config })
declare(api, 'get', '/v1/things', 'listThings')
declare(api, 'get', '/v1/things/{id}', 'getThing')
declare(api, 'get', '/v1/things/summary', 'getSummary')
declare(api, 'post', '/v1/things/batch', 'createBatch')
declare(api, 'put', '/v1/things/{thing}/tags/{tag}', 'addTag')

let server: Server
beforeAll(async () => {
  server = createServer(api.app()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
})
afterAll(() => server.close())

// fetch would normalise some of these paths.
const send = async (method: string, path: string) => {
  const { port } = server.address() as AddressInfo
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    request({ port, host: '127.0.0.1', method, path }, resolve).on('error', reject).end()
  })
  const body = await text(response)
  return { status: response.statusCode, headers: response.headers, body: body === '' ? undefined : JSON.parse(body) }
}

it.each([
  ['GET', '/v1/things', 'listThings', {}],
  ['GET', '/v1/things/?q=/x', 'listThings', {}],
  ['GET', '/v1/things/1', 'getThing', { id: '1' }],
  ['GET', '/v1/things/1/', 'getThing', { id: '1' }],
  ['GET', '/v1/things/a%2Fb%20c', 'getThing', { id: 'a/b c' }],
  ['GET', '/v1/things/summary', 'getSummary', {}],
  ['POST', '/v1/things/batch', 'createBatch', {}],
  ['GET', '/v1/things/batch', 'getThing', { id: 'batch' }],
  ['PUT', '/v1/things/1/tags/__proto__', 'addTag', { thing: '1', tag: '__proto__' }],
])('%s %s is served by %s', async (method, path, operation, params) => {
  expect(await send(method, path)).toMatchObject({ status: 200, body: { operation, params } })
})

it.each([
  ['GET', '/', 404, 'not_found', undefined],
  ['GET', '/v1', 404, 'not_found', undefined],
  ['GET', '/v1//things', 404, 'not_found', undefined],
  ['GET', '//v1/things', 404, 'not_found', undefined],
  ['GET', '/V1/things', 404, 'not_found', undefined],
  ['GET', '/v1/Things', 404, 'not_found', undefined],
  ['GET', '/v1/things/1/more', 404, 'not_found', undefined],
  ['PUT', '/v1/things//tags/x', 404, 'not_found', undefined],
  ['OPTIONS', '*', 404, 'not_found', undefined],
  ['GET', '/v1/things/%zz', 400, 'malformed', undefined],
  ['POST', '/v1/things', 405, 'method_not_allowed', 'GET, HEAD'],
  ['OPTIONS', '/v1/things', 405, 'method_not_allowed', 'GET, HEAD'],
  ['DELETE', '/v1/things/batch', 405, 'method_not_allowed', 'POST'],
  ['GET', '/v1/things/1/tags/x', 405, 'method_not_allowed', 'PUT'],
])('%s %s returns %i', async (method, path, status, code, allow) => {
  const { headers, ...response } = await send(method, path)
  expect(response).toMatchObject({ status, body: { status, code } })
  expect(headers.allow).toBe(allow)
})

it('HEAD returns the headers of GET without a body', async () => {
  const { headers, ...response } = await send('HEAD', '/v1/things/1')
  expect(response).toEqual({ status: 200, body: undefined })
  expect(Number(headers['content-length'])).toBeGreaterThan(0)
  expect((await send('HEAD', '/v1/nothing')).status).toBe(404)
  expect((await send('HEAD', '/v1/things/1/tags/x')).status).toBe(405)
})

it('responses do not reveal Express, and have no ETag without a version', async () => {
  const { headers } = await send('GET', '/v1/things')
  expect(headers).not.toHaveProperty('x-powered-by')
  expect(headers).not.toHaveProperty('etag')
})

it.each([
  ['GET', '/v1/things/1', '/v1/things/{id}', 200],
  ['HEAD', '/v1/things/1', '/v1/things/{id}', 200],
  ['GET', '/v1/things/1?unknown=x&unknown=y', '/v1/things/{id}', 400],
  ['GET', '/v1/nothing', 'none', 404],
  ['DELETE', '/v1/things/1', 'none', 405],
])('the access log line of %s %s contains the route %s', async (method, path, route, status) => {
  lines.length = 0
  await send(method, path)
  await eventually(() => expect(lines).toEqual([expect.objectContaining({ msg: 'request', method, route, status })]))
})
