import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createSignedInUser, signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { startGateway, type TestGateway } from './gateway.ts'
import { open, send } from './raw-http.ts'

let gateway: TestGateway
let token: string
let requests: ReturnType<typeof open>['req'][] = []
beforeAll(async () => {
  token = (await signedInAs('user')).token
})
afterEach(async () => {
  for (const req of requests) req.destroy()
  requests = []
  await gateway?.stop()
})

const path = '/v1/events/stream'
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

/** Lets the service answer with streams. @returns the responses that it writes */
const serveStreams = (): ServerResponse[] => {
  const served: ServerResponse[] = []
  gateway.activity.handler = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.flushHeaders()
    served.push(res)
  }
  return served
}

/** Resolves when a response is closed, whether it is complete or not. */
const closeOf = (message: IncomingMessage): Promise<void> =>
  new Promise((resolve) => message.on('error', () => {}).once('close', () => resolve()))

type Opened = { message: IncomingMessage; text: () => string; closed: Promise<unknown>; isComplete: () => boolean }

const openStream = async (bearer = token, headers: Record<string, string> = {}): Promise<Opened> => {
  const { req, response } = open(`${gateway.url}${path}`, {
    headers: { authorization: `Bearer ${bearer}`, ...headers },
  })
  requests.push(req)
  req.end()
  const message = await response
  let text = ''
  message.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  const closed = closeOf(message)
  return { message, text: () => text, closed, isComplete: () => message.complete }
}

const metric = async (name: string): Promise<number> => {
  const text = await (await fetch(`${gateway.internalUrl}/metrics`)).text()
  return Number(
    text
      .split('\n')
      .find((line) => line.startsWith(name))
      ?.split(' ')[1] ?? Number.NaN,
  )
}
const openStreams = () => metric('clientele_gateway_in_flight{upstream="activity-service",kind="stream"}')

it('events arrive one by one, uncompressed, after silences that would end any other response', async () => {
  gateway = await startGateway({ upstreamTimeoutMs: 600, clientStallMs: 800 })
  const served = serveStreams()
  const { message } = await openStream(token, { 'accept-encoding': 'br, gzip' })
  expect(message.headers['content-encoding']).toBeUndefined()
  for (const data of ['one', 'two']) {
    await pause(1_300)
    served[0]?.write(`data: ${data}\n\n`)
    expect((await once(message, 'data'))[0]).toBe(`data: ${data}\n\n`)
  }
  expect(await openStreams()).toBe(1)
})

it('the stream of the service ends when the client disconnects', async () => {
  gateway = await startGateway()
  const served = serveStreams()
  await openStream()
  const closed = once(served[0] as ServerResponse, 'close')
  requests[0]?.destroy()
  await closed
  await eventually(async () => expect(await openStreams()).toBe(0))
})

it('a stream counts as answered when it begins, with the status of its beginning', async () => {
  gateway = await startGateway()
  serveStreams()
  await openStream()
  await pause(1_200)
  requests[0]?.destroy()
  const bucket = `clientele_http_request_duration_seconds_bucket{le="1",method="GET",route="${path}",status="200"}`
  await eventually(async () => expect(await metric(bucket)).toBeGreaterThanOrEqual(1))
})

it('a stream whose service is silent for too long is cut', async () => {
  gateway = await startGateway({ upstreamStreamIdleMs: 1_000 })
  serveStreams()
  const { closed, isComplete } = await openStream()
  await closed
  expect(isComplete()).toBe(false)
})

it('other routes are no streams, whatever the client accepts', async () => {
  gateway = await startGateway({ upstreamTimeoutMs: 600 })
  gateway.customers.handler = (_req, res) => {
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.write('data: 1\n\n')
  }
  const { req, response } = open(`${gateway.url}/v1/customers`, {
    headers: { authorization: `Bearer ${token}`, accept: 'text/event-stream' },
  })
  req.end()
  const message = await response
  await closeOf(message.resume())
  expect(message.complete).toBe(false)
})

it('a user may have so many streams, which take nothing from the other requests of the user', async () => {
  gateway = await startGateway({ maxStreamsPerClient: 3, maxInFlightPerClient: 1, upstreamConnections: 1 })
  serveStreams()
  await Promise.all([openStream(), openStream(), openStream()])
  const headers = { authorization: `Bearer ${token}` }
  const refused = await send(`${gateway.url}${path}`, { headers })
  expect([refused.status, refused.headers['retry-after'], JSON.parse(refused.text).code]).toEqual([
    429,
    '5',
    'rate_limited',
  ])
  expect((await gateway.as(token).get('/v1/customers')).status).toBe(200)
  const other = await createSignedInUser(['user'])
  expect((await openStream(other.token)).message.statusCode).toBe(200)
  requests[0]?.destroy()
  await eventually(async () => expect((await openStream()).message.statusCode).toBe(200))
})

it('streams beyond the limit of a service get 503, and take no connection from other requests', async () => {
  gateway = await startGateway({ upstreamStreams: 2, upstreamConnections: 1 })
  const served = serveStreams()
  await Promise.all([openStream(), openStream()])
  const refused = await openStream()
  expect([refused.message.statusCode, refused.message.headers['retry-after']]).toEqual([503, '1'])
  gateway.activity.handler = (_req, res) => void res.end('{}')
  expect(served).toHaveLength(2)
})

it('a refusal of the service is passed on', async () => {
  gateway = await startGateway()
  gateway.activity.handler = (_req, res) =>
    void res.writeHead(406, { 'content-type': 'application/problem+json' }).end('{"code":"not_acceptable"}')
  const { status, body } = await gateway.as(token).get(path, { accept: 'application/json' })
  expect([status, body.code]).toEqual([406, 'not_acceptable'])
})

it('a slow client makes the service wait, and is cut if it reads nothing', async () => {
  gateway = await startGateway({ clientStallMs: 800 })
  const served = serveStreams()
  const { message, closed } = await openStream()
  message.pause()
  const [res] = served as [ServerResponse]
  const event = `data: ${'x'.repeat(100_000)}\n\n`
  let written = 0
  while (!res.destroyed && written < 2_000) {
    written += 1
    if (!res.write(event)) await new Promise((resolve) => setImmediate(resolve))
    while (res.writableNeedDrain && !res.destroyed) await pause(10)
  }
  expect(written).toBeLessThan(500)
  message.resume()
  await closed
}, 30_000)

it('a shutdown ends streams between two events, and does not wait for clients that do not read', async () => {
  gateway = await startGateway()
  const served = serveStreams()
  const between = await openStream()
  const within = await openStream()
  const unread = await openStream()
  unread.message.pause()
  served[0]?.write('data: 1\n\n')
  served[1]?.write('data: 1\n\ndata: hal')
  served[2]?.write(`data: ${'x'.repeat(20_000_000)}\n\n`)
  await eventually(() => expect([between.text(), within.text()]).toEqual(['data: 1\n\n', 'data: 1\n\ndata: hal']))
  const startedAt = performance.now()
  const stopped = gateway.stop()
  await between.closed
  expect([between.text(), between.isComplete()]).toEqual([
    'data: 1\n\nevent: bye\ndata: {"reason":"shutdown"}\n\n',
    true,
  ])
  served[1]?.write('f\n\n')
  await within.closed
  expect(within.text()).toBe('data: 1\n\ndata: half\n\nevent: bye\ndata: {"reason":"shutdown"}\n\n')
  await stopped
  expect(performance.now() - startedAt).toBeLessThan(5_000)
}, 30_000)
