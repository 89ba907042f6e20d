import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { connect } from 'node:net'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { startGateway, type TestGateway } from './gateway.ts'
import { open, textOf } from './raw-http.ts'
import { echo } from './stub-service.ts'

const chunk = randomBytes(1_000_000)
const chunks = function* (count: number) {
  for (let index = 0; index < count; index += 1) yield chunk
}

describe('Request bodies', () => {
  let gateway: TestGateway
  let authorization: string
  beforeAll(async () => {
    gateway = await startGateway({
      maxUploadBytes: 60_000_000,
      maxFileBytes: 70_000_000,
      maxBodyBytes: 100_000,
      clientStallMs: 1_000,
      clientMinBytesPerSecond: 5,
      upstreamTimeoutMs: 1_000,
    })
    authorization = `Bearer ${(await signedInAs('user')).token}`
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

  it('a 50 MB upload is streamed with backpressure, and every byte arrives', async () => {
    const digest = createHash('sha256')
    let release = () => {}
    gateway.media.handler = (req, res) => {
      release = () => {
        req.on('data', (data: Buffer) => digest.update(data))
        req.on('end', () => res.end('done'))
      }
    }
    const before = process.memoryUsage().arrayBuffers
    const { req, response } = upload()
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
    expect(await textOf(await response)).toBe('done')
    const expected = createHash('sha256')
    for (const data of chunks(50)) expected.update(data)
    expect(digest.digest('hex')).toBe(expected.digest('hex'))
  }, 60_000)

  it('a service may take longer to respond to an upload than to other requests, because it may have to unpack it', async () => {
    gateway.media.handler = (req, res) => {
      req.resume()
      req.once('end', () => setTimeout(() => res.end('done'), 3_000))
    }
    const { req, response } = upload()
    req.end('x')
    expect(await textOf(await response)).toBe('done')
  })

  it('an upload whose Content-Length is too large gets 413 with the limit, and no service is called', async () => {
    gateway.media.requests.length = 0
    const { req, response } = upload({ 'content-length': '60000001' })
    req.flushHeaders()
    const message = await response
    expect(message.statusCode).toBe(413)
    expect(JSON.parse(await textOf(message))).toMatchObject({ code: 'too_large', limit: 60_000_000 })
    expect(gateway.media.requests).toEqual([])
    req.destroy()
  })

  it('a chunked body that grows too large gets 413 while it is streamed, and the request to the service is aborted', async () => {
    const { promise: requested, resolve } = Promise.withResolvers<IncomingMessage>()
    gateway.customers.handler = (req) => resolve(req.resume())
    const { req, response } = open(`${gateway.url}/v1/customers`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
    })
    req.write(Buffer.alloc(50_000))
    const upstream = await requested
    const closed = new Promise((done) => upstream.once('close', done))
    await pipeline(Readable.from(chunks(3)), req).catch(() => {})
    const message = await response
    expect(message.statusCode).toBe(413)
    expect(JSON.parse(await textOf(message))).toMatchObject({ code: 'too_large', limit: 100_000 })
    await closed
    expect(upstream.complete).toBe(false)
  })

  it('a JSON body may be as large as the contract of its route says', async () => {
    const login = (bytes: number) =>
      gateway.as().post('/v1/auth/login', ' '.repeat(bytes), { 'content-type': 'application/json' })
    expect((await login(10_000)).status).toBe(200)
    const { status, body } = await login(10_001)
    expect({ status, limit: body.limit }).toEqual({ status: 413, limit: 10_000 })
    expect(body.detail).toContain('10000 bytes')
  })

  it('a large body is allowed only for uploads, not for JSON', async () => {
    const { req, response } = open(`${gateway.url}/v1/customers`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'content-length': '200000' },
    })
    req.flushHeaders()
    expect((await response).statusCode).toBe(413)
    req.destroy()
    const form = open(`${gateway.url}/v1/customers`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'multipart/form-data; boundary=x' },
    })
    form.req.end(Buffer.alloc(200_000))
    expect(JSON.parse(await textOf(await form.response)).bytes).toBe(200_000)
  })

  it('a file may be larger than other uploads on a route that stores files, even if it is JSON', async () => {
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

  it('the client gets a response that the service sends before the whole body has arrived', async () => {
    gateway.media.handler = (_req, res) => {
      res.writeHead(415, { 'content-type': 'application/problem+json' })
      res.end('{"code":"unsupported_media_type"}')
    }
    const { req, response } = upload({ 'content-length': '40000000' })
    const sending = pipeline(Readable.from(chunks(40)), req).catch(() => {})
    const message = await response
    expect(message.statusCode).toBe(415)
    expect(await textOf(message)).toContain('unsupported_media_type')
    await sending
  })

  it('a client that reads only after sending everything gets an early response, even with Connection: close', async () => {
    gateway.media.handler = (_req, res) => void res.writeHead(415).end('unsupported')
    const { hostname, port } = new URL(gateway.url)
    const socket = connect({ host: hostname, port: Number(port) })
    await once(socket, 'connect')
    socket.pause()
    const head = [
      'POST /v1/media HTTP/1.1',
      'Host: localhost',
      `Authorization: ${authorization}`,
      'Content-Type: image/png',
    ]
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
    expect(text).toContain('unsupported')
  })

  it('a client that stops sending gets 408', async () => {
    const { req, response } = upload({ 'content-length': '1000' })
    req.write('partial')
    const message = await response
    expect(message.statusCode).toBe(408)
    expect(JSON.parse(await textOf(message)).code).toBe('timeout')
    req.destroy()
  })

  it('a JSON body that arrives too slowly gets 408, even if it never stalls', async () => {
    const { req, response } = open(`${gateway.url}/v1/customers`, {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json', 'content-length': '1000' },
    })
    const trickle = setInterval(() => req.write(' '), 100)
    expect((await response).statusCode).toBe(408)
    clearInterval(trickle)
    req.destroy()
  })

  it('a short body is not forwarded if its client disconnects halfway, and the next body is forwarded complete', async () => {
    const contentLengths: (string | undefined)[] = []
    gateway.customers.handler = (req, res) => {
      contentLengths.push(req.headers['content-length'])
      echo(req, res)
    }
    const headers = { authorization, 'content-type': 'application/json' }
    const post = (length: number, more = {}) =>
      open(`${gateway.url}/v1/customers`, {
        method: 'POST',
        headers: { ...headers, 'content-length': `${length}`, ...more },
      })
    const abandoned = post(1_000, { expect: '100-continue' })
    abandoned.response.catch(() => {})
    await once(abandoned.req, 'continue')
    abandoned.req.write('{')
    const { req, response } = post(12)
    req.write('{"name":')
    setImmediate(() => req.end('"A"}'))
    expect(JSON.parse(await textOf(await response)).bytes).toBe(12)
    abandoned.req.destroy()
    expect(contentLengths).toEqual(['12'])
  })

  it('an upload that arrives too slowly gets 408, even if it never stalls', async () => {
    const { req, response } = upload({ 'content-length': '1000' })
    const trickle = setInterval(() => req.write('x'), 500)
    const message = await response.finally(() => clearInterval(trickle))
    expect(message.statusCode).toBe(408)
    expect(JSON.parse(await textOf(message)).detail).toContain('5 bytes per second')
    req.destroy()
  })

  it('an upload may take long as long as bytes keep arriving', async () => {
    const { req, response } = upload({ 'content-length': '20' })
    let sent = 0
    const trickle = setInterval(() => {
      sent += 1
      if (sent < 20) return void req.write('x')
      clearInterval(trickle)
      req.end('x')
    }, 100)
    expect(JSON.parse(await textOf(await response)).bytes).toBe(20)
  })

  it('a GET request with a body gets 400', async () => {
    const { req, response } = open(`${gateway.url}/v1/customers`, { headers: { authorization, 'content-length': '2' } })
    req.end('{}')
    expect((await response).statusCode).toBe(400)
  })
})
