import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { Readable } from 'node:stream'
import { createDecoderClient } from '../src/images/decoder-client.ts'
import type { ImageTask } from '../src/images/image-task.ts'

const task: ImageTask = { kind: 'shrink', pixels: 10, bytes: 4, maxPixels: 1_000_000 }
const original: ImageTask = { kind: 'sanitise', type: 'image/png', bytes: 4, maxPixels: 100 }
const size = (bytes: number | string, width: number | string = 10, height: number | string = 10) =>
  `Content-Length: ${bytes}\r\nX-Image-Width: ${width}\r\nX-Image-Height: ${height}\r\n`
const ok = (head: string, body = '') => `HTTP/1.1 200 OK\r\n${head}\r\n${body}`

/** Gives a task to a decoder that an image has taken over: it responds with `answer` to everything. */
const decodeAt = async (answer: (socket: Socket) => void, given: ImageTask = task) => {
  const server = createServer((socket) => {
    socket.on('error', () => {})
    socket.once('data', () => answer(socket))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  let received = 0
  let calls = 0
  const sink = async (data: AsyncIterable<Uint8Array>) => {
    calls += 1
    for await (const chunk of data) received += chunk.length
  }
  try {
    const produce = createDecoderClient(`http://127.0.0.1:${port}`)
    const produced = await produce(given, Readable.from([Buffer.alloc(4)]), sink).catch((error: unknown) => error)
    return { produced, received, calls }
  } finally {
    server.close()
  }
}
const unavailable = { code: 'unavailable', status: 503 }

describe('media-service with a decoder that an image has taken over', () => {
  it.each([
    ['a size that is none', ok(size('1e3'), 'x')],
    ['more bytes than the sides can have', ok(size(200_000, 10, 10))],
    ['longer sides than asked for', ok(size(4, 11, 10), 'evil')],
    ['no side', ok(size(4, 0, 10), 'evil')],
    ['no length', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nevil\r\n0\r\n\r\n'],
    ['an unknown reason', 'HTTP/1.1 422 No\r\nX-Image-Reason: constructor\r\nContent-Length: 0\r\n\r\n'],
    ['an unknown note', ok(`${size(4)}X-Image-Notes: reduced,constructor\r\n`, 'evil')],
    ['a redirect', 'HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n'],
    ['headers without an end', `HTTP/1.1 200 OK\r\n${'X-More: more\r\n'.repeat(10_000)}`],
    ['no HTTP', 'evil\r\n'.repeat(1_000)],
    ['nothing', ''],
  ])('responds with 503 to %s, and stores nothing', async (_what, answer) => {
    const { produced, calls } = await decodeAt((socket) => socket.end(answer))
    expect(produced).toMatchObject(unavailable)
    expect(calls).toBe(0)
  })

  it('responds with 503 to an original of more pixels than allowed', async () => {
    const { produced } = await decodeAt((socket) => socket.end(ok(size(4, 11, 10), 'evil')), original)
    expect(produced).toMatchObject(unavailable)
  })

  it('responds with 503 to an image that ends early', async () => {
    const { produced } = await decodeAt((socket) => socket.end(ok(size(40), 'evil')))
    expect(produced).toMatchObject(unavailable)
  })

  it('stores no byte after the length', async () => {
    const { produced, received } = await decodeAt((socket) => socket.end(ok(size(4), 'evil and more')))
    expect([received, produced]).toEqual([4, expect.objectContaining({ bytes: 4 })])
  })
})
