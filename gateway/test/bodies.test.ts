import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { startGateway, type TestGateway } from './gateway.ts'
import { echo } from './upstreams.ts'
import { open, textOf } from './wire.ts'

const chunk = randomBytes(1_000_000)
const chunks = function* (count: number) {
  for (let index = 0; index < count; index += 1) yield chunk
}

describe('bodies', () => {
  let gateway: TestGateway
  let authorization: string
  beforeAll(async () => {
    gateway = await startGateway({
      maxUploadBytes: 60_000_000,
      maxFileBytes: 70_000_000,
      maxBodyBytes: 100_000,
      clientStallMs: 1_000,
      upstreamTimeoutMs: 1_000,
    })
    authorization = `Bearer ${(await tokenFor('user')).token}`
  }, 60_000)
  afterAll(() => gateway?.stop())
  beforeEach(() => {
    gateway.media.handler = echo
    gateway.customers.handler = echo
  })

  const upload = (headers: Record<string, string> = {}) =>
    open(`${gateway.url}/v1/media`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'image/png', ...headers },
    })

  it('streams a 50 MB upload: a service that does not read stops the client, then every byte arrives', async () => {
    const digest = createHash('sha256')
    let release = () => {}
    gateway.media.handler = (req, res) => {
      release = () => {
        req.on('data', (data: Buffer) => digest.update(data))
        req.on('end', () => res.end('done'))
      }
    }
    const before = process.memoryUsage().arrayBuffers
    const { req, answer } = upload()
    let sent = 0
    const sending = (async () => {
      for (const data of chunks(50)) {
        sent += data.length
        if (!req.write(data)) await once(req, 'drain')
      }
      req.end()
    })()
    let last = -1
    await eventually(
      () => {
        const still = sent === last && sent > 0
        last = sent
        if (!still) throw new Error('still sending')
      },
      { everyMs: 300 },
    )
    expect(sent).toBeLessThan(25_000_000)
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(25_000_000)
    release()
    await sending
    expect(await textOf(await answer)).toBe('done')
    const expected = createHash('sha256')
    for (const data of chunks(50)) expected.update(data)
    expect(digest.digest('hex')).toBe(expected.digest('hex'))
  }, 60_000)

  it('answers 413 with the limit before reading when Content-Length is too large, and asks no service', async () => {
    gateway.media.requests.length = 0
    const { req, answer } = upload({ 'content-length': '60000001' })
    req.flushHeaders()
    const message = await answer
    expect(message.statusCode).toBe(413)
    expect(JSON.parse(await textOf(message))).toMatchObject({ code: 'too_large', limit: 60_000_000 })
    expect(gateway.media.requests).toEqual([])
    req.destroy()
  })

  it('answers 413 while streaming when a chunked body grows too large, and breaks off at the service', async () => {
    const { promise: asked, resolve } = Promise.withResolvers<IncomingMessage>()
    gateway.customers.handler = (req) => resolve(req.resume())
    const { req, answer } = open(`${gateway.url}/v1/customers`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
    })
    req.write(Buffer.alloc(50_000))
    const upstream = await asked
    const closed = new Promise((done) => upstream.once('close', done))
    await pipeline(Readable.from(chunks(3)), req).catch(() => {})
    const message = await answer
    expect(message.statusCode).toBe(413)
    expect(JSON.parse(await textOf(message))).toMatchObject({ code: 'too_large', limit: 100_000 })
    await closed
    expect(upstream.complete).toBe(false)
  })

  it('allows large bodies only where a route takes files, not for JSON', async () => {
    const { req, answer } = open(`${gateway.url}/v1/customers`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'content-length': '200000' },
    })
    req.flushHeaders()
    expect((await answer).statusCode).toBe(413)
    req.destroy()
    const form = open(`${gateway.url}/v1/customers`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'multipart/form-data; boundary=x' },
    })
    form.req.end(Buffer.alloc(200_000))
    expect(JSON.parse(await textOf(await form.answer)).bytes).toBe(200_000)
  })

  it('allows files larger than uploads where a route stores them, JSON among them', async () => {
    const send = async (path: string, type: string, bytes: number) => {
      const body = new Uint8Array(bytes)
      const init = { headers: { authorization, 'content-type': type }, body }
      return (await gateway.as().raw('POST', path, init)).status
    }
    expect(await send('/v1/imports', 'application/json', 200_000)).toBe(200)
    expect(await send('/v1/imports', 'text/csv; charset=utf-8', 200_000)).toBe(200)
    expect(await send('/v1/imports', 'text/csv', 70_000_001)).toBe(413)
    expect(await send('/v1/customers', 'application/json', 200_000)).toBe(413)
  })

  it('passes on the answer that a service gives before the whole body has come', async () => {
    gateway.media.handler = (_req, res) => {
      res.writeHead(415, { 'content-type': 'application/problem+json' })
      res.end('{"code":"unsupported_media_type"}')
    }
    const { req, answer } = upload({ 'content-length': '40000000' })
    const sending = pipeline(Readable.from(chunks(40)), req).catch(() => {})
    const message = await answer
    expect(message.statusCode).toBe(415)
    expect(await textOf(message)).toContain('unsupported_media_type')
    await sending
  })

  it('lets a client that reads only after it has sent everything see that answer, even if it asked to close', async () => {
    gateway.media.handler = (_req, res) => void res.writeHead(415).end('not taken')
    const { hostname, port } = new URL(gateway.url)
    const socket = connect({ host: hostname, port: Number(port) })
    await once(socket, 'connect')
    socket.pause()
    const head = ['POST /v1/media HTTP/1.1', 'Host: x', `Authorization: ${authorization}`, 'Content-Type: image/png']
    socket.write(`${[...head, 'Content-Length: 20000000', 'Connection: close'].join('\r\n')}\r\n\r\n`)
    for (const data of chunks(20)) if (!socket.write(data)) await once(socket, 'drain')
    let text = ''
    socket
      .setEncoding('latin1')
      .resume()
      .on('data', (part: string) => {
        text += part
      })
    await once(socket, 'close')
    expect(text).toMatch(/^HTTP\/1.1 415/)
    expect(text).toContain('not taken')
  })

  it('answers 408 to a client that stops sending', async () => {
    const { req, answer } = upload({ 'content-length': '1000' })
    req.write('begun')
    const message = await answer
    expect(message.statusCode).toBe(408)
    expect(JSON.parse(await textOf(message)).code).toBe('timeout')
    req.destroy()
  })

  it('answers 408 to a JSON body that trickles in, though never silent', async () => {
    const { req, answer } = open(`${gateway.url}/v1/customers`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'content-length': '1000' },
    })
    const trickle = setInterval(() => req.write(' '), 100)
    expect((await answer).statusCode).toBe(408)
    clearInterval(trickle)
    req.destroy()
  })

  it('asks no service for a short body whose client goes away in the middle of it, and passes the next one on whole', async () => {
    const asked: (string | undefined)[] = []
    gateway.customers.handler = (req, res) => {
      asked.push(req.headers['content-length'])
      echo(req, res)
    }
    const headers = { authorization, 'content-type': 'application/json' }
    const post = (length: number, more = {}) =>
      open(`${gateway.url}/v1/customers`, {
        method: 'POST',
        headers: { ...headers, 'content-length': `${length}`, ...more },
      })
    const left = post(1_000, { expect: '100-continue' })
    left.answer.catch(() => {})
    await once(left.req, 'continue')
    left.req.write('{')
    const { req, answer } = post(12)
    req.write('{"name":')
    setImmediate(() => req.end('"A"}'))
    expect(JSON.parse(await textOf(await answer)).bytes).toBe(12)
    left.req.destroy()
    expect(asked).toEqual(['12'])
  })

  it('lets an upload take its time while bytes keep coming', async () => {
    const { req, answer } = upload({ 'content-length': '20' })
    let sent = 0
    const trickle = setInterval(() => {
      sent += 1
      if (sent < 20) return void req.write('x')
      clearInterval(trickle)
      req.end('x')
    }, 100)
    expect(JSON.parse(await textOf(await answer)).bytes).toBe(20)
  })

  it('refuses a body on GET', async () => {
    const { req, answer } = open(`${gateway.url}/v1/customers`, { headers: { authorization, 'content-length': '2' } })
    req.end('{}')
    expect((await answer).statusCode).toBe(400)
  })
})
