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
    unavailableDetail: 'things are not known at the moment',
    maxConnections: 2,
    connectTimeoutMs: 1_000,
    timeoutMs: 300,
    bodyTimeoutMs: 300,
    maxAnswerBytes: 1_000,
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
const answering = async (listener: RequestListener) => clientOf(await listening(createServer(listener)))
const get = (client: ServiceClient) => client.call({ method: 'GET', path: '/v1/things' }, actor)
const unavailable = {
  name: 'Problem',
  status: 503,
  options: { detail: 'things are not known at the moment', headers: { 'Retry-After': '5' } },
}

it('a call carries the token of the user, the id of the request, and a body as it comes', async () => {
  const client = await answering(async (req, res) => {
    const { authorization, 'x-request-id': requestId, 'content-type': type } = req.headers
    res
      .writeHead(409, { 'retry-after': '7' })
      .end(JSON.stringify([req.method, req.url, authorization, requestId, type, await text(req)]))
  })
  const headers = { 'content-type': 'text/plain' }
  const answer = await withContext({ requestId: 'r-1' } as never, () =>
    client.call({ method: 'POST', path: '/v1/things', headers, body: Readable.from(['a', 'b']) }, actor),
  )
  expect([answer.status, answer.headers['retry-after']]).toEqual([409, '7'])
  expect(JSON.parse(answer.body)).toEqual(['POST', '/v1/things', 'Bearer the-token', 'r-1', 'text/plain', 'ab'])
})

it.each<[string, () => Promise<ServiceClient>]>([
  ['nothing listens', async () => clientOf('http://127.0.0.1:1')],
  ['no answer comes in time', () => answering(() => {})],
  ['an answer breaks off', () => answering((_req, res) => res.write('a', () => res.destroy()))],
  ['an answer does not end', () => answering((_req, res) => void res.write('a'))],
  ['an answer is too long', () => answering((_req, res) => void res.end('x'.repeat(1_001)))],
  [
    'an answer is no HTTP',
    async () => clientOf(await listening(createTcpServer((socket) => socket.end('no')) as never)),
  ],
])('a call is refused with 503 and Retry-After when %s', async (_what, start) => {
  await expect(get(await start())).rejects.toMatchObject(unavailable)
})

it('a call ends with the signal of its caller, or in the time that it sets', async () => {
  const client = await answering(() => {})
  const aborted = AbortSignal.abort()
  await expect(client.call({ method: 'GET', path: '/', signal: aborted }, actor)).rejects.toMatchObject(unavailable)
  const from = Date.now()
  await expect(client.call({ method: 'GET', path: '/', timeoutMs: 20 }, actor)).rejects.toMatchObject(unavailable)
  expect(Date.now() - from).toBeLessThan(250)
})

it('an answer that is not what was agreed on is refused with 503', async () => {
  const client = await answering((_req, res) => void res.end('{"id":1}'))
  const answer = await get(client)
  expect(client.parse(answer, z.object({ id: z.int() }))).toEqual({ id: 1 })
  expect(() => client.parse(answer, z.object({ id: z.string() }))).toThrow(Problem)
  expect(() => client.parse({ ...answer, body: '<html>' }, z.unknown())).toThrow(Problem)
  expect(client.unexpected({ ...answer, status: 500 })).toMatchObject(unavailable)
})
