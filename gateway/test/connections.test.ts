import { once } from 'node:events'
import type { ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { startGateway, type TestGateway } from './gateway.ts'

const connectFrom = async (gateway: TestGateway, localAddress = '127.0.0.1'): Promise<Socket> => {
  const { hostname: host, port } = new URL(gateway.url)
  const socket = connect({ host, port: Number(port), localAddress }).on('error', () => {})
  await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
  return socket
}

describe('Connections of one address', () => {
  let gateway: TestGateway
  const sockets: Socket[] = []
  afterEach(async () => {
    for (const socket of sockets.splice(0)) socket.destroy()
    await gateway?.stop()
  })
  const open = async (count: number, address?: string) => {
    const opened = await Promise.all(Array.from({ length: count }, () => connectFrom(gateway, address)))
    sockets.push(...opened)
    return opened
  }
  const get = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n'
  const isServed = async (socket: Socket): Promise<boolean> => {
    if (socket.closed) return false
    const closed = once(socket, 'close').then(() => false)
    const served = once(socket, 'data').then(() => true)
    socket.write(get)
    return Promise.race([served, closed])
  }

  it('connections beyond the limit are closed, other addresses are served, and a closed connection makes room', async () => {
    gateway = await startGateway({ maxConnectionsPerAddress: 8 })
    const held = await open(8, '127.0.0.2')
    for (const socket of held) expect(await isServed(socket)).toBe(true)
    const [refused, other] = await Promise.all([open(1, '127.0.0.2'), open(1, '127.0.0.3')])
    expect(await isServed(refused[0] as Socket)).toBe(false)
    expect(await isServed(other[0] as Socket)).toBe(true)
    held[0]?.destroy()
    await eventually(async () => expect(await isServed((await open(1, '127.0.0.2'))[0] as Socket)).toBe(true))
  })

  it('connections of a trusted proxy are not limited, since they belong to many clients', async () => {
    gateway = await startGateway({ maxConnectionsPerAddress: 2, trustedProxies: 1 })
    for (const socket of await open(6)) expect(await isServed(socket)).toBe(true)
  })
})

describe('Clients that read slowly', () => {
  let gateway: TestGateway
  let token: string
  beforeAll(async () => {
    token = (await signedInAs('user')).token
  })
  afterEach(() => gateway?.stop())

  const block = Buffer.alloc(500_000)
  const sendEndlessly = (res: ServerResponse): void => {
    while (!res.destroyed && res.write(block));
    if (!res.destroyed) res.once('drain', () => sendEndlessly(res))
  }
  const request = (path: string) => `GET ${path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`

  it('a client that never stalls, but reads too slowly, is disconnected', async () => {
    gateway = await startGateway({ clientStallMs: 1_000, clientMinBytesPerSecond: 50_000_000 })
    let res: ServerResponse | undefined
    gateway.media.handler = (_req, response) => {
      res = response
      sendEndlessly(response)
    }
    const socket = await connectFrom(gateway)
    let received = 0
    socket.on('data', (chunk: Buffer) => {
      received += chunk.length
      socket.pause()
      setTimeout(() => socket.resume(), 10)
    })
    socket.write(request('/v1/media/1/content'))
    await once(socket, 'close')
    await eventually(() => expect(res?.destroyed).toBe(true))
    expect(received).toBeGreaterThan(block.length)
  }, 30_000)

  it('readers of files take no connection from other requests to the same service', async () => {
    gateway = await startGateway({ upstreamFileConnections: 1, upstreamQueueMs: 300 })
    gateway.media.handler = (req, res) => (req.url?.endsWith('content') ? sendEndlessly(res) : void res.end('{}'))
    const socket = (await connectFrom(gateway)).pause()
    socket.write(request('/v1/media/1/content'))
    await eventually(() => expect(gateway.media.requests.at(-1)?.url).toBe('/v1/media/1/content'))
    expect((await gateway.as(token).get('/v1/media/2/content')).status).toBe(503)
    expect((await gateway.as(token).post('/v1/media', new FormData())).status).toBe(503)
    expect((await gateway.as(token).get('/v1/media/2')).status).toBe(200)
    socket.destroy()
  }, 30_000)
})
