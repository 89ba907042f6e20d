import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { createServiceClient, type ServiceClient } from '@clientele/platform/http/service-client'
import { withContext } from '@clientele/platform/runtime/context'
import { Problem } from '@clientele/platform/runtime/problem'
import { z } from 'zod'

const actor = { id: 'a', displayName: 'Ana', roles: [], token: 'the-token' }
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0)) await close()
})

const clientOf = (url: string): ServiceClient => {
  const client = createServiceClient({
    service: 'thing-service',
    url,
    unavailableDetail: 'thing-service is unavailable',
    maxConnections: 2,
    connectTimeoutMs: 1_000,
    timeoutMs: 300,
    bodyTimeoutMs: 300,
    maxResponseBytes: 1_000,
  })
  closing.push(client.close)
  return client
}
const listening = async (server: Pick<Server, 'listen' | 'address' | 'once' | 'close'>): Promise<string> => {
  server.listen(0, '127.0.0.1')
  await once(server as Server, 'listening')
  closing.push(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
const startServer = async (listener: RequestListener) => clientOf(await listening(createServer(listener)))
const get = (client: ServiceClient) => client.call({ method: 'GET', path: '/v1/things' }, actor)
const unavailable = {
  name: 'Problem',
  status: 503,
  options: { detail: 'thing-service is unavailable', headers: { 'Retry-After': '5' } },
}

it('a call sends the token of the user, the id of the request and a streamed body', async () => {
  const client = await startServer(async (req, res) => {
    const { authorization, 'x-request-id': requestId, 'content-type': type } = req.headers
    res
      .writeHead(409, { 'retry-after': '7' })
      .end(JSON.stringify([req.method, req.url, authorization, requestId, type, await text(req)]))
  })
  const headers = { 'content-type': 'text/plain' }
  const response = await withContext({ requestId: 'r-1' } as never, () =>
    client.call({ method: 'POST', path: '/v1/things', headers, body: Readable.from(['a', 'b']) }, actor),
  )
  expect([response.status, response.headers['retry-after']]).toEqual([409, '7'])
  expect(JSON.parse(response.body)).toEqual(['POST', '/v1/things', 'Bearer the-token', 'r-1', 'text/plain', 'ab'])
})

it.each<[string, () => Promise<ServiceClient>]>([
  ['nothing listens at the address', async () => clientOf('http://127.0.0.1:1')],
  ['the response does not arrive in time', () => startServer(() => {})],
  ['the response is incomplete', () => startServer((_req, res) => res.write('a', () => res.destroy()))],
  ['the response does not end', () => startServer((_req, res) => void res.write('a'))],
  ['the response is too large', () => startServer((_req, res) => void res.end('x'.repeat(1_001)))],
  [
    'the response is not HTTP',
    async () => clientOf(await listening(createTcpServer((socket) => socket.end('no')) as never)),
  ],
])('a call gets 503 with Retry-After if %s', async (_reason, start) => {
  await expect(get(await start())).rejects.toMatchObject(unavailable)
})

it('a call ends when its signal aborts or its own timeout passes', async () => {
  const client = await startServer(() => {})
  const aborted = AbortSignal.abort()
  await expect(client.call({ method: 'GET', path: '/', signal: aborted }, actor)).rejects.toMatchObject(unavailable)
  const startedAt = Date.now()
  await expect(client.call({ method: 'GET', path: '/', timeoutMs: 20 }, actor)).rejects.toMatchObject(unavailable)
  expect(Date.now() - startedAt).toBeLessThan(250)
})

it('a response that does not match the schema gets 503', async () => {
  const client = await startServer((_req, res) => void res.end('{"id":1}'))
  const response = await get(client)
  expect(client.parse(response, z.object({ id: z.int() }))).toEqual({ id: 1 })
  expect(() => client.parse(response, z.object({ id: z.string() }))).toThrow(Problem)
  expect(() => client.parse({ ...response, body: '<html>' }, z.unknown())).toThrow(Problem)
  expect(client.unexpectedStatus({ ...response, status: 500 })).toMatchObject(unavailable)
})
