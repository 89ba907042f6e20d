import { connect, type Socket } from 'node:net'
import { eventually } from '@clientele/platform/testing/wait'
import { type HostileSystem, startHostileSystem } from './hostile-system.ts'
import { isAlive, residentMb, watchAnswers } from './watch.ts'

const mostUnderWay = 160
let system: HostileSystem
let token: string
beforeAll(async () => {
  system = await startHostileSystem({
    gateway: { CLIENT_STALL_MS: '5000', MAX_IN_FLIGHT_PER_CLIENT: String(mostUnderWay) },
    'media-service': { MEDIA_MAX_UPLOADS: '400' },
  })
  token = (await system.person('user')).token
}, 120_000)
afterAll(() => system?.close(), 60_000)

type Line = { socket: Socket; received: string; closed: boolean }

/** Many connections that send `first` and keep quiet. */
const lines = async (url: string, count: number, first = ''): Promise<Line[]> => {
  const { port } = new URL(url)
  return Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect({ host: '127.0.0.1', port: Number(port) })
      const line: Line = { socket, received: '', closed: false }
      socket.setEncoding('latin1').on('data', (text: string) => {
        line.received += text
      })
      socket.on('error', () => {})
      socket.on('close', () => {
        line.closed = true
      })
      await new Promise((resolve, reject) => socket.once('connect', resolve).once('error', reject))
      if (first !== '') socket.write(first)
      return line
    }),
  )
}
/** Sends a byte more on each, again and again, so that no line is ever idle. */
const drip = (all: Line[], text: string) => {
  const timer = setInterval(() => {
    for (const { socket, closed } of all) if (!closed) socket.write(text)
  }, 500)
  return () => clearInterval(timer)
}
const allClosed = (all: Line[], timeoutMs: number) =>
  eventually(() => expect(all.filter(({ closed }) => !closed).length).toBe(0), { timeoutMs, everyMs: 250 })
const firstLines = (all: Line[]) => new Set(all.map(({ received }) => received.split('\r\n', 1)[0]))

const asked = () => `${system.gateway}/v1/auth/config`

/** Runs an attack while somebody else asks; they wait less than three seconds, beside another busy suite, and the process stays small. */
const whileOthersAsk = async (name: 'gateway' | 'customer-service', attack: () => Promise<void>) => {
  const before = residentMb(system.pid(name))
  const watch = watchAnswers(asked())
  await attack()
  const { longest, answers } = await watch.stop()
  expect(answers).toBeGreaterThan(0)
  expect(longest).toBeLessThan(3_000)
  expect(residentMb(system.pid(name)) - before).toBeLessThan(150)
  expect(isAlive(system.pid(name))).toBe(true)
}

/** Headers have 10 s; it is looked every 2 s. */
const headersMs = 20_000

describe('connections that are there to be there', () => {
  it('a thousand that never say a word are closed, and others are served meanwhile', async () => {
    await whileOthersAsk('gateway', async () => {
      await allClosed(await lines(system.gateway, 1_000), headersMs)
    })
  }, 60_000)

  it('a thousand at a service that were let past the gateway are closed as well', async () => {
    await whileOthersAsk('customer-service', async () => {
      await allClosed(await lines(system.url('customer-service'), 1_000), headersMs)
    })
  }, 60_000)

  it('five hundred that were served once say how long they may stay, and hinder nobody', async () => {
    const get = 'GET /health/live HTTP/1.1\r\nHost: x\r\n\r\n'
    await whileOthersAsk('gateway', async () => {
      const all = await lines(system.gateway, 500, get)
      await eventually(() => expect(firstLines(all)).toEqual(new Set(['HTTP/1.1 200 OK'])))
      for (const { received } of all) expect(received).toMatch(/^keep-alive: timeout=75\r$/im)
      for (const { socket } of all) socket.destroy()
    })
  }, 60_000)
})

describe('slow senders', () => {
  it('300 that send their headers byte by byte are answered 408 and closed', async () => {
    await whileOthersAsk('gateway', async () => {
      const all = await lines(system.gateway, 300, 'GET /v1/customers HTTP/1.1\r\nHost: x\r\nX-A: ')
      const stop = drip(all, 'a')
      await allClosed(all, headersMs).finally(stop)
      expect(firstLines(all)).toEqual(new Set(['HTTP/1.1 408 Request Timeout']))
    })
  }, 60_000)

  it('150 that send a JSON body byte by byte are answered 408 and hold no connection to the service', async () => {
    const start = [
      'POST /v1/customers HTTP/1.1',
      'Host: x',
      `Authorization: Bearer ${token}`,
      'Content-Type: application/json',
      'Content-Length: 100000',
      '',
      '{"name":"',
    ].join('\r\n')
    await whileOthersAsk('gateway', async () => {
      const all = await lines(system.gateway, 150, start)
      const stop = drip(all, 'a')
      const mine = watchAnswers(`${system.gateway}/health/live`)
      await allClosed(all, 20_000).finally(stop)
      expect(firstLines(all)).toEqual(new Set(['HTTP/1.1 408 Request Timeout']))
      expect((await mine.stop()).longest).toBeLessThan(3_000)
    })
    const { status } = await system.as(token).get('/v1/customers?limit=1')
    expect(status).toBe(200)
  }, 60_000)

  it('one user cannot take all places: what is beyond the limit is answered 429', async () => {
    const start = [
      'POST /v1/media HTTP/1.1',
      'Host: x',
      `Authorization: Bearer ${token}`,
      'Content-Type: multipart/form-data; boundary=b',
      'Content-Length: 100000',
      '',
      '--b\r\n',
    ].join('\r\n')
    const other = (await system.person('user')).token
    const all = await lines(system.gateway, mostUnderWay + 40, start)
    await eventually(() =>
      expect(all.filter(({ received }) => received.startsWith('HTTP/1.1 429')).length).toBeGreaterThanOrEqual(40),
    )
    expect((await system.as(other).get('/v1/customers?limit=1')).status).toBe(200)
    await allClosed(all, 30_000)
    expect((await system.as(token).get('/v1/customers?limit=1')).status).toBe(200)
  }, 60_000)
})

it('nothing secret stands in the logs of all this', () => {
  const { logLines, inLogs } = system.leaks()
  expect(logLines).toBeGreaterThan(100)
  expect(inLogs).toEqual([])
})
