import { connect, type Socket } from 'node:net'
import { eventually } from '@clientele/platform/testing/wait'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'
import { isAlive, measureLatency, residentMegabytes } from './process-probes.ts'

const maxInFlight = 160
let system: HostileSystem
let token: string
beforeAll(async () => {
  system = await startHostileSystem({
    gateway: {
      CLIENT_STALL_MS: '5000',
      MAX_IN_FLIGHT_PER_CLIENT: String(maxInFlight),
      UPSTREAM_QUEUE_MS: '2000',
      UPSTREAM_FILE_CONNECTIONS: '200',
    },
    'media-service': { MEDIA_MAX_UPLOADS: '400' },
  })
  token = (await system.signInNewUser('user')).token
}, 120_000)
afterAll(() => system?.close(), 60_000)

type Connection = { socket: Socket; received: string; closed: boolean }

const maxPerAddress = 200
/** Clients of the test are at 127.0.0.1, attackers at other addresses, each with as many connections as it may have. */
const attackerAddress = (index: number): string => `127.0.0.${2 + Math.floor(index / maxPerAddress)}`

/** Opens `count` connections that send `first`, and nothing more. */
const openConnections = async (
  url: string,
  count: number,
  first = '',
  addressOf = attackerAddress,
): Promise<Connection[]> => {
  const { port } = new URL(url)
  return Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const socket = connect({ host: '127.0.0.1', port: Number(port), localAddress: addressOf(index) })
      const connection: Connection = { socket, received: '', closed: false }
      socket.setEncoding('latin1').on('data', (text: string) => {
        connection.received += text
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        connection.closed = true
      })
      await new Promise((resolve) => socket.once('connect', resolve).once('close', resolve))
      if (first !== '') socket.write(first)
      return connection
    }),
  )
}
/** Sends `text` on every connection twice a second, so that none is idle. */
const sendSlowly = (all: Connection[], text: string) => {
  const timer = setInterval(() => {
    for (const { socket, closed } of all) if (!closed) socket.write(text)
  }, 500)
  return () => clearInterval(timer)
}
const untilAllClosed = (all: Connection[], timeoutMs: number) =>
  eventually(() => expect(all.filter(({ closed }) => !closed).length).toBe(0), { timeoutMs, everyMs: 250 })
const statusLines = (all: Connection[]) => new Set(all.map(({ received }) => received.split('\r\n', 1)[0]))

const configUrl = () => `${system.gateway}/v1/auth/config`

/** Runs an attack. Meanwhile other clients must get their responses within 3 s, and the process must not grow by 150 MB. */
const expectServiceDuring = async (name: 'gateway' | 'customer-service', attack: () => Promise<void>) => {
  const before = residentMegabytes(system.pid(name))
  const latency = measureLatency(configUrl())
  await attack()
  const { maxMs, responses } = await latency.stop()
  expect(responses).toBeGreaterThan(0)
  expect(maxMs).toBeLessThan(3_000)
  expect(residentMegabytes(system.pid(name)) - before).toBeLessThan(150)
  expect(isAlive(system.pid(name))).toBe(true)
}

/** The server allows 10 s for headers and checks every 2 s. The rest is a margin for slow machines. */
const headersMs = 20_000

describe('Idle connections', () => {
  it('the gateway closes a thousand connections that send nothing, and serves others meanwhile', async () => {
    await expectServiceDuring('gateway', async () => {
      await untilAllClosed(await openConnections(system.gateway, 1_000), headersMs)
    })
  }, 60_000)

  it('a service closes a thousand connections that send nothing, and serves others meanwhile', async () => {
    await expectServiceDuring('customer-service', async () => {
      await untilAllClosed(await openConnections(system.url('customer-service'), 1_000), headersMs)
    })
  }, 60_000)

  it('an address that opens two thousand connections holds two hundred of them', async () => {
    await expectServiceDuring('gateway', async () => {
      const get = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n'
      const all = await openConnections(system.gateway, 2_000, get, () => '127.0.0.9')
      await eventually(() => {
        expect(all.filter(({ closed }) => closed).length).toBe(1_800)
        expect(all.filter(({ received }) => received.startsWith('HTTP/1.1 200')).length).toBe(maxPerAddress)
      })
      for (const { socket } of all) socket.destroy()
    })
  }, 60_000)

  it('five hundred kept-alive connections get a Keep-Alive timeout and do not delay other requests', async () => {
    const get = 'GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n'
    await expectServiceDuring('gateway', async () => {
      const all = await openConnections(system.gateway, 500, get)
      await eventually(() => expect(statusLines(all)).toEqual(new Set(['HTTP/1.1 200 OK'])))
      for (const { received } of all) expect(received).toMatch(/^keep-alive: timeout=75\r$/im)
      for (const { socket } of all) socket.destroy()
    })
  }, 60_000)
})

describe('Slow requests', () => {
  it('300 connections that send their headers byte by byte get 408 and are closed', async () => {
    await expectServiceDuring('gateway', async () => {
      const all = await openConnections(system.gateway, 300, 'GET /v1/customers HTTP/1.1\r\nHost: localhost\r\nX-A: ')
      const stop = sendSlowly(all, 'a')
      await untilAllClosed(all, headersMs).finally(stop)
      expect(statusLines(all)).toEqual(new Set(['HTTP/1.1 408 Request Timeout']))
    })
  }, 60_000)

  it('150 requests that send a JSON body byte by byte get 408 and hold no connection to the service', async () => {
    const start = [
      'POST /v1/customers HTTP/1.1',
      'Host: localhost',
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      'Content-Length: 100000',
      '',
      '{"name":"',
    ].join('\r\n')
    await expectServiceDuring('gateway', async () => {
      const all = await openConnections(system.gateway, 150, start)
      const stop = sendSlowly(all, 'a')
      const health = measureLatency(`${system.gateway}/health/live`)
      await untilAllClosed(all, 20_000).finally(stop)
      expect(statusLines(all)).toEqual(new Set(['HTTP/1.1 408 Request Timeout']))
      expect((await health.stop()).maxMs).toBeLessThan(3_000)
    })
    const { status } = await system.as(token).get('/v1/customers?limit=1')
    expect(status).toBe(200)
  }, 60_000)

  it('requests of one user beyond the limit of requests in flight get 429, and other users are served', async () => {
    const start = [
      'POST /v1/media HTTP/1.1',
      'Host: localhost',
      `Authorization: Bearer ${token}`,
      'Content-Type: multipart/form-data; boundary=b',
      'Content-Length: 100000',
      '',
      '--b\r\n',
    ].join('\r\n')
    const other = (await system.signInNewUser('user')).token
    const all = await openConnections(system.gateway, maxInFlight + 40, start)
    await eventually(() =>
      expect(all.filter(({ received }) => received.startsWith('HTTP/1.1 429')).length).toBeGreaterThanOrEqual(40),
    )
    expect((await system.as(other).get('/v1/customers?limit=1')).status).toBe(200)
    await untilAllClosed(all, 30_000)
    expect((await system.as(token).get('/v1/customers?limit=1')).status).toBe(200)
  }, 60_000)
})

it('logs contain no secrets', () => {
  const { logLines, inLogs } = system.findLeaks()
  expect(logLines).toBeGreaterThan(100)
  expect(inLogs).toEqual([])
})
