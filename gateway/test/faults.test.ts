import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { startGateway, type TestGateway } from './gateway.ts'
import { echo } from './upstreams.ts'
import { open, send, textOf } from './wire.ts'

describe('services that are slow, gone or broken', () => {
  let gateway: TestGateway
  let authorization: string
  beforeAll(async () => {
    gateway = await startGateway({
      upstreamTimeoutMs: 600,
      upstreamConnectMs: 300,
      upstreamQueueMs: 400,
      upstreamConnections: 2,
      maxInFlight: 3,
      clientStallMs: 800,
    })
    authorization = `Bearer ${(await tokenFor('user')).token}`
  }, 60_000)
  afterAll(() => gateway?.stop())
  beforeEach(() => {
    gateway.customers.handler = echo
    gateway.customers.requests.length = 0
  })

  const url = (path = '/v1/customers') => `${gateway.url}${path}`
  const get = (path?: string) => send(url(path), { headers: { authorization } })
  const seen = () =>
    new Promise<{ req: IncomingMessage; res: ServerResponse }>((resolve) => {
      gateway.customers.handler = (req, res) => resolve({ req, res })
    })

  it('answers 504 when a service does not answer in time, and lets go of it', async () => {
    const asked = seen()
    const { status, headers, text } = await get()
    expect({ status, retry: headers['retry-after'], code: JSON.parse(text).code }).toEqual({
      status: 504,
      retry: '5',
      code: 'gateway_timeout',
    })
    const { res } = await asked
    if (!res.destroyed) await once(res, 'close')
  })

  it('answers 502 when a service closes the connection without an answer to a POST, and does not repeat it', async () => {
    gateway.customers.handler = (req) => req.socket.destroy()
    const { status, text } = await send(url(), {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{}',
    })
    expect({ status, code: JSON.parse(text).code }).toEqual({ status: 502, code: 'bad_gateway' })
    expect(gateway.customers.requests.length).toBe(1)
  })

  it('answers 502 when a service does not speak HTTP', async () => {
    gateway.customers.handler = (req) => void req.socket.end('nonsense\r\n\r\n')
    expect((await get()).status).toBe(502)
  })

  it('repeats a GET once when its connection turns out to be closed', async () => {
    gateway.customers.handler = (req, res) => {
      if (gateway.customers.requests.length === 1) req.socket.destroy()
      else echo(req, res)
    }
    expect((await get()).status).toBe(200)
    expect(gateway.customers.requests.length).toBe(2)
  })

  it('cuts the answer off when the service dies in the middle of it', async () => {
    gateway.customers.handler = (req, res) => {
      res.writeHead(200, { 'content-length': '1000' })
      res.write('half')
      setImmediate(() => req.socket.destroy())
    }
    const { req, answer } = open(url(), { headers: { authorization } })
    req.end()
    await expect(answer.then(textOf)).rejects.toThrow(/aborted|hang up|terminated/)
  })

  it('stops reading from a service while the client does not read, and gives the client up after a while', async () => {
    let written = 0
    let ended = false
    gateway.customers.handler = (_req, res) => {
      const block = Buffer.alloc(500_000)
      const more = () => {
        while (written < 200_000_000 && !res.destroyed) {
          written += block.length
          if (!res.write(block)) return void res.once('drain', more)
        }
      }
      res.once('close', () => {
        ended = true
      })
      more()
    }
    const { req, answer } = open(url(), { headers: { authorization } })
    req.end()
    const message = await answer
    message.pause()
    await eventually(() => {
      if (!ended) throw new Error('the client still holds the service')
    })
    expect(written).toBeLessThan(50_000_000)
    req.destroy()
  })

  it('sheds requests beyond the limit with 503 and Retry-After, and those that wait too long for a connection', async () => {
    const held: ServerResponse[] = []
    gateway.customers.handler = (_req, res) => void held.push(res)
    const first = [get(), get()]
    await eventually(() => {
      if (held.length < 2) throw new Error('not there yet')
    })
    const queued = get()
    const shed = await eventually(async () => {
      const answer = await get()
      if (!answer.text.includes('too many requests')) throw new Error(answer.text)
      return answer
    })
    expect({ status: shed.status, retry: shed.headers['retry-after'] }).toEqual({ status: 503, retry: '1' })
    expect((await queued).status).toBe(503)
    for (const res of held) res.end('{}')
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200])
    await eventually(async () => expect((await get('/v1/customers/x')).status).not.toBe(503))
  })

  it('streams server-sent events as they come, past the timeout for silence, and ends them with the client', async () => {
    const asked = seen()
    const { req, answer } = open(url(), { headers: { authorization, accept: 'text/event-stream' } })
    req.end()
    const { res } = await asked
    res.writeHead(200, { 'content-type': 'text/event-stream' })
    res.flushHeaders()
    const message = await answer
    message.setEncoding('utf8')
    for (const data of ['one', 'two']) {
      // Silence that would end any other answer.
      await new Promise((resolve) => setTimeout(resolve, 1_300))
      res.write(`data: ${data}\n\n`)
      expect((await once(message, 'data'))[0]).toBe(`data: ${data}\n\n`)
    }
    const closed = once(res, 'close')
    req.destroy()
    await closed
  })

  it('answers 503 with Retry-After while a service is down, and serves again when it is back', async () => {
    const { port } = new URL(gateway.customers.url)
    const sockets = new Set<Socket>()
    gateway.customers.server.on('connection', (socket) => sockets.add(socket))
    await new Promise<void>((resolve) => {
      gateway.customers.server.close(() => resolve())
      gateway.customers.server.closeAllConnections()
    })
    const down = await get()
    expect({ status: down.status, retry: down.headers['retry-after'], code: JSON.parse(down.text).code }).toEqual({
      status: 503,
      retry: '2',
      code: 'unavailable',
    })
    await new Promise<void>((resolve) => gateway.customers.server.listen(Number(port), '127.0.0.1', resolve))
    await eventually(async () => expect((await get()).status).toBe(200))
  })
})

describe('clients that go away', () => {
  let gateway: TestGateway
  let authorization: string
  beforeAll(async () => {
    gateway = await startGateway()
    authorization = `Bearer ${(await tokenFor('user')).token}`
  }, 60_000)
  afterAll(() => gateway?.stop())

  const url = () => `${gateway.url}/v1/customers`
  const seen = () =>
    new Promise<{ req: IncomingMessage; res: ServerResponse }>((resolve) => {
      gateway.customers.handler = (req, res) => resolve({ req, res })
    })

  it('tells the service when the client goes away while it waits', async () => {
    const asked = seen()
    const { req } = open(url(), { headers: { authorization } })
    req.end()
    const { res } = await asked
    const closed = once(res, 'close')
    req.destroy()
    await closed
  })

  it('tells the service when the client goes away in the middle of an upload', async () => {
    const asked = seen()
    const { req } = open(url(), {
      method: 'POST',
      headers: { authorization, 'content-type': 'multipart/form-data; boundary=x' },
    })
    req.write('half')
    const { req: upstream } = await asked
    upstream.resume()
    const closed = new Promise((resolve) => upstream.once('close', resolve))
    req.destroy()
    await closed
    expect(upstream.complete).toBe(false)
  })

  it('tells the service when the client goes away in the middle of the answer', async () => {
    const asked = seen()
    const { req, answer } = open(url(), { headers: { authorization } })
    req.end()
    const { res } = await asked
    res.write('begun')
    await answer
    const closed = once(res, 'close')
    req.destroy()
    await closed
  })
})
