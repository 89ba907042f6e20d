import { createCipheriv } from 'node:crypto'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { performance } from 'node:perf_hooks'

/**
 * What came of it: how many requests were answered, their sorted latencies in ms from when each was due, without those of the
 * first second, in which a program gets used to them; and how many failed in which way.
 */
export type Arrived = { answered: number; latencies: number[]; seconds: number; failures: Map<string, number> }

type Options = { url: string; connections: number; seconds: number; rate: number; headers: Record<string, string> }

const answerMs = 30_000
const openingMs = 1_000

/** When requests are due, in ms from the start: exponential gaps, drawn from a key stream, which is the same each time. */
const dueTimes = (rate: number, seconds: number): number[] => {
  const zeros = Buffer.alloc(Math.ceil(rate * seconds * 1.5 + 1_000) * 4)
  const stream = createCipheriv('aes-128-ctr', Buffer.alloc(16), Buffer.alloc(16)).update(zeros)
  const due: number[] = []
  let at = 0
  for (let offset = 0; at < seconds * 1000 && offset < stream.length; offset += 4) {
    at -= (Math.log((stream.readUInt32LE(offset) + 1) / 2 ** 32) * 1000) / rate
    due.push(at)
  }
  return due
}

/** The status of the answer in `received` once all of it is there. Answers have a `Content-Length`. */
const wholeAnswer = (received: Buffer): number | undefined => {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = received.toString('latin1', 0, headEnd)
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1])
  if (received.length < headEnd + 4 + length) return undefined
  return Number.isNaN(length) ? 0 : Number(head.slice(9, 12))
}

type Ended = (failure?: string) => void

/** A kept-alive connection that asks the same each time; a client that costs next to nothing leaves the machine to the rest. */
const openConnection = async (host: string, port: number, request: string) => {
  const socket = createConnection({ host, port, noDelay: true })
  await once(socket, 'connect')
  let waiting: Ended | undefined
  let received: Buffer = Buffer.alloc(0)
  const end = (failure?: string): void => {
    const ended = waiting
    waiting = undefined
    ended?.(failure)
  }
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const status = wholeAnswer(received)
    if (status === undefined) return
    received = Buffer.alloc(0)
    end(status >= 200 && status < 300 ? undefined : `status ${status}`)
  })
  socket.on('error', () => {})
  socket.on('close', () => end('connection closed'))
  return {
    ask: (ended: Ended): void => {
      if (socket.destroyed) {
        ended('connection closed')
        return
      }
      waiting = ended
      socket.write(request, 'latin1')
    },
    close: () => socket.destroy(),
  }
}

/**
 * Sends requests as independent users do: at random moments (a Poisson process, the same one each time), whether earlier
 * ones are answered or not. A slow answer therefore counts for all that queue behind it.
 */
export const sendArrivals = async ({ url, connections, seconds, rate, headers }: Options): Promise<Arrived> => {
  const { hostname, port, host, pathname, search } = new URL(url)
  const lines = Object.entries({ host, ...headers }).map(([name, value]) => `${name}: ${value}\r\n`)
  const request = `GET ${pathname}${search} HTTP/1.1\r\n${lines.join('')}\r\n`
  const opened = await Promise.all(
    Array.from({ length: connections }, () => openConnection(hostname, Number(port), request)),
  )
  const idle = [...opened]
  const queue: number[] = []
  const latencies: number[] = []
  const failures = new Map<string, number>()
  const times = dueTimes(rate, seconds)
  const from = performance.now()
  const { promise: allEnded, resolve, reject } = Promise.withResolvers<void>()
  let due = 0
  let ended = 0

  const send = (connection: (typeof opened)[number], at: number): void =>
    connection.ask((failure) => {
      if (failure !== undefined) failures.set(failure, (failures.get(failure) ?? 0) + 1)
      else if (at > openingMs) latencies.push(performance.now() - from - at)
      ended += 1
      if (ended === times.length) return resolve()
      const next = queue.shift()
      if (next === undefined) idle.push(connection)
      else send(connection, next)
    })
  const timer = setInterval(() => {
    const now = performance.now() - from
    for (let at = times[due]; at !== undefined && at <= now; at = times[due]) {
      due += 1
      // In turn: the gateway closes a connection that has said nothing for 10 s.
      const connection = idle.shift()
      if (connection) send(connection, at)
      else queue.push(at)
    }
  }, 1)
  const deadline = setTimeout(
    () => reject(new Error(`${times.length - ended} requests have no answer`)),
    seconds * 1000 + 2 * answerMs,
  )
  try {
    await allEnded
  } finally {
    clearInterval(timer)
    clearTimeout(deadline)
    for (const { close } of opened) close()
  }
  const failed = [...failures.values()].reduce((sum, count) => sum + count, 0)
  return {
    answered: ended - failed,
    latencies: latencies.sort((a, b) => a - b),
    seconds: (performance.now() - from) / 1000,
    failures,
  }
}
