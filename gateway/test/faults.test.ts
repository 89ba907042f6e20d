import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { startGateway, type TestGateway } from './gateway.ts'
import { open, send, textOf } from './raw-http.ts'
import { echo } from './stub-service.ts'

describe('Services that are slow, unavailable or broken', () => {
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
    authorization = `Bearer ${(await signedInAs('user')).token}`
  }, 60_000)
  afterAll(() => gateway?.stop())
  beforeEach(() => {
    gateway.customers.handler = echo
    gateway.customers.requests.length = 0
  })

  const url = (path = '/v1/customers') => `${gateway.url}${path}`
  const get = (path?: string) => send(url(path), { headers: { authorization } })
  const nextRequest = () =>
    new Promise<{ req: IncomingMessage; res: ServerResponse }>((resolve) => {
      gateway.customers.handler = (req, res) => resolve({ req, res })
    })

  it('a service that does not respond in time leads to 504, and its request is aborted', async () => {
    const requested = nextRequest()
    const { status, headers, text } = await get()
    expect({ status, retry: headers['retry-after'], code: JSON.parse(text).code }).toEqual({
      status: 504,
      retry: '5',
      code: 'gateway_timeout',
    })
    const { res } = await requested
    if (!res.destroyed) await once(res, 'close')
  })

  it('a service that closes the connection during a POST leads to 502, and the POST is not retried', async () => {
    gateway.customers.handler = (req) => req.socket.destroy()
    const { status, text } = await send(url(), {
      method: 'POST',
      headers: { authorization, 'content-type': 'application/json' },
      body: '{}',
    })
    expect({ status, code: JSON.parse(text).code }).toEqual({ status: 502, code: 'bad_gateway' })
    expect(gateway.customers.requests.length).toBe(1)
  })

  it('a service that does not speak HTTP leads to 502', async () => {
    gateway.customers.handler = (req) => void req.socket.end('nonsense\r\n\r\n')
    expect((await get()).status).toBe(502)
  })

  it('a GET is retried once if its connection turns out to be closed', async () => {
    gateway.customers.handler = (req, res) => {
      if (gateway.customers.requests.length === 1) req.socket.destroy()
      else echo(req, res)
    }
    expect((await get()).status).toBe(200)
    expect(gateway.customers.requests.length).toBe(2)
  })

  it('the response is aborted if the service dies halfway through it', async () => {
    gateway.customers.handler = (req, res) => {
      res.writeHead(200, { 'content-length': '1000' })
      res.write('half')
      setImmediate(() => req.socket.destroy())
    }
    const { req, response } = open(url(), { headers: { authorization } })
    req.end()
    await expect(response.then(textOf)).rejects.toThrow(/aborted|hang up|terminated/)
  })

  it('a client that does not read stops the service from sending, and is disconnected after a while', async () => {
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
    const { req, response } = open(url(), { headers: { authorization } })
    req.end()
    const message = await response
    message.pause()
    await eventually(() => {
      if (!ended) throw new Error('the service is still sending')
    })
    expect(written).toBeLessThan(50_000_000)
    req.destroy()
  })

  it('requests beyond the limit, or that wait too long for a connection, are shed with 503 and Retry-After', async () => {
    const held: ServerResponse[] = []
    gateway.customers.handler = (_req, res) => void held.push(res)
    const first = [get(), get()]
    await eventually(() => {
      if (held.length < 2) throw new Error('not there yet')
    })
    const queued = get()
    const shed = await eventually(async () => {
      const response = await get()
      if (!response.text.includes('too many requests')) throw new Error(response.text)
      return response
    })
    expect({ status: shed.status, retry: shed.headers['retry-after'] }).toEqual({ status: 503, retry: '1' })
    expect((await queued).status).toBe(503)
    for (const res of held) res.end('{}')
    expect((await Promise.all(first)).map(({ status }) => status)).toEqual([200, 200])
    await eventually(async () => expect((await get('/v1/customers/x')).status).not.toBe(503))
  })

  it('an unavailable service leads to 503 with Retry-After, and is used again once it is back', async () => {
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

describe('Clients that disconnect', () => {
  let gateway: TestGateway
  let authorization: string
  beforeAll(async () => {
    gateway = await startGateway()
    authorization = `Bearer ${(await signedInAs('user')).token}`
  }, 60_000)
  afterAll(() => gateway?.stop())

  const url = () => `${gateway.url}/v1/customers`
  const nextRequest = () =>
    new Promise<{ req: IncomingMessage; res: ServerResponse }>((resolve) => {
      gateway.customers.handler = (req, res) => resolve({ req, res })
    })

  it('the request to the service is aborted if the client disconnects while waiting', async () => {
    const requested = nextRequest()
    const { req } = open(url(), { headers: { authorization } })
    req.end()
    const { res } = await requested
    const closed = once(res, 'close')
    req.destroy()
    await closed
  })

  it('the request to the service is aborted if the client disconnects during an upload', async () => {
    const requested = nextRequest()
    const { req } = open(url(), {
      method: 'POST',
      headers: { authorization, 'content-type': 'multipart/form-data; boundary=x' },
    })
    req.write('half')
    const { req: upstream } = await requested
    upstream.resume()
    const closed = new Promise((resolve) => upstream.once('close', resolve))
    req.destroy()
    await closed
    expect(upstream.complete).toBe(false)
  })

  it('the request to the service is aborted if the client disconnects during the response', async () => {
    const requested = nextRequest()
    const { req, response } = open(url(), { headers: { authorization } })
    req.end()
    const { res } = await requested
    res.write('partial')
    await response
    const closed = once(res, 'close')
    req.destroy()
    await closed
  })
})
