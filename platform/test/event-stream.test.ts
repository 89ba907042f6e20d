import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createApi } from '@clientele/platform/http/api'
import { eventFrame, eventStream } from '@clientele/platform/http/event-stream'
import { metrics } from '@clientele/platform/runtime/telemetry'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'

const config = testConfig()
const api = createApi({ service: 'test', title: 'Test', verifier: testVerifier(config), log: testLog(), config })
let end = (): void => {}
api.operation(
  {
    method: 'get',
    path: '/v1/things/stream',
    operationId: 'streamThings',
    summary: 'Follow things',
    tag: 'Things',
    roles: 'public',
    stream: { description: 'Things as they come.', example: 'data: 1\n\n' },
    responses: { 200: null },
  },
  async ({ req }) =>
    eventStream(req, {
      retryMs: 500,
      open: (res) => {
        res.write(eventFrame({ id: 1, data: 'one' }))
        end = () => void res.end()
      },
    }),
)

let server: Server
let url = ''
beforeAll(async () => {
  server = createServer(api.app()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/things/stream`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

const get = (accept?: string, method = 'GET') =>
  fetch(url, { method, headers: accept === undefined ? {} : { accept }, signal: AbortSignal.timeout(5_000) })

it.each([
  [{ id: 7, data: '{"a":1}' }, 'id: 7\ndata: {"a":1}\n\n'],
  [{ event: 'bye', data: 'a\nb\r\nc\rd' }, 'event: bye\ndata: a\ndata: b\ndata: c\ndata: d\n\n'],
  [{ data: '' }, 'data: \n\n'],
  [{ id: 7 }, 'id: 7\n\n'],
])('the frame of %j has a line for each field and line of data', (event, frame) => {
  expect(eventFrame(event)).toBe(frame)
})

it('a stream begins at once and counts as answered then, however long it is open and whoever ends it', async () => {
  const response = await get('text/event-stream')
  expect(Object.fromEntries(response.headers)).toMatchObject({
    'content-type': 'text/event-stream; charset=utf-8',
    'cache-control': 'no-cache, no-transform',
    'x-accel-buffering': 'no',
  })
  const reader = response.body?.getReader()
  let text = ''
  while (!text.includes('one')) text += new TextDecoder().decode((await reader?.read())?.value)
  expect(text).toBe('retry: 500\n\nid: 1\ndata: one\n\n')
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  await reader?.cancel()
  await eventually(async () => {
    const lines = (await metrics.metrics()).split('\n').filter((line) => line.includes('route="/v1/things/stream"'))
    expect(lines.find((line) => line.includes('le="1"'))).toMatch(/status="200"\} 1$/)
  })
})

it.each([
  [undefined, 200],
  ['text/event-stream', 200],
  ['*/*', 200],
  ['application/json, text/*;q=0.1', 200],
  ['application/json', 406],
  ['application/json, text/event-stream;q=0', 406],
])('a client that accepts %s gets %d', async (accept, status) => {
  const response = await get(accept)
  expect(response.status).toBe(status)
  if (status === 406)
    expect(await response.json()).toMatchObject({ code: 'not_acceptable', supported: ['text/event-stream'] })
  end()
})

it('HEAD gets the headers and no stream', async () => {
  const response = await get(undefined, 'HEAD')
  expect([response.status, response.headers.get('content-type'), await response.text()]).toEqual([
    200,
    'text/event-stream; charset=utf-8',
    '',
  ])
})

it('the document shows the stream, its header and the refusal, and tells the gateway', () => {
  const operation = api.document().paths?.['/v1/things/stream']?.get
  expect(operation).toMatchObject({
    'x-event-stream': true,
    parameters: [{ name: 'Last-Event-ID', in: 'header', required: false }],
    responses: {
      200: {
        description: 'Things as they come.',
        content: { 'text/event-stream': { schema: { type: 'string' }, example: 'data: 1\n\n' } },
      },
      406: expect.anything(),
    },
  })
})
