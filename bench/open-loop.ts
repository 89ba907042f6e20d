import { createCipheriv } from 'node:crypto'
import { once } from 'node:events'
import { createConnection } from 'node:net'
import { performance } from 'node:perf_hooks'

/**
 * The number of successful responses, their sorted latencies, and the number of failures by kind. A latency is in ms and counts
 * from when the request was due. Requests of the first second (warm-up) have none.
 */
export type ArrivalResult = { responses: number; latencies: number[]; seconds: number; failures: Map<string, number> }

type Options = { url: string; connections: number; seconds: number; rate: number; headers: Record<string, string> }

const responseTimeoutMs = 30_000
const warmUpMs = 1_000

/** When requests are due, in ms from the start. Gaps are exponential and drawn from a key stream, so they are always the same. */
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

/** The status of the response in `received`, or undefined while it is incomplete. 0 if it has no `Content-Length`. */
const completeStatus = (received: Buffer): number | undefined => {
  const headEnd = received.indexOf('\r\n\r\n')
  if (headEnd < 0) return undefined
  const head = received.toString('latin1', 0, headEnd)
  const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1])
  if (received.length < headEnd + 4 + length) return undefined
  return Number.isNaN(length) ? 0 : Number(head.slice(9, 12))
}

type OnEnd = (failure?: string) => void

/** A kept-alive connection that sends the same request each time. It uses little CPU, which leaves the machine to the server. */
const openConnection = async (host: string, port: number, request: string) => {
  const socket = createConnection({ host, port, noDelay: true })
  await once(socket, 'connect')
  let waiting: OnEnd | undefined
  let received: Buffer = Buffer.alloc(0)
  const end = (failure?: string): void => {
    const ended = waiting
    waiting = undefined
    ended?.(failure)
  }
  socket.on('data', (chunk) => {
    received = received.length === 0 ? chunk : Buffer.concat([received, chunk])
    const status = completeStatus(received)
    if (status === undefined) return
    received = Buffer.alloc(0)
    end(status >= 200 && status < 300 ? undefined : `status ${status}`)
  })
  socket.on('error', () => {})
  socket.on('close', () => end('connection closed'))
  return {
    send: (ended: OnEnd): void => {
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
 * Sends requests as independent users do: at random times (a Poisson process, always the same one), whether or not earlier
 * requests have got their responses. A slow response therefore delays all requests that queue behind it.
 */
export const sendArrivals = async ({ url, connections, seconds, rate, headers }: Options): Promise<ArrivalResult> => {
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
    connection.send((failure) => {
      if (failure !== undefined) failures.set(failure, (failures.get(failure) ?? 0) + 1)
      else if (at > warmUpMs) latencies.push(performance.now() - from - at)
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
      // Connections take turns: the gateway closes one that is idle for 10 s.
      const connection = idle.shift()
      if (connection) send(connection, at)
      else queue.push(at)
    }
  }, 1)
  const deadline = setTimeout(
    () => reject(new Error(`${times.length - ended} requests have no response`)),
    seconds * 1000 + 2 * responseTimeoutMs,
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
    responses: ended - failed,
    latencies: latencies.sort((a, b) => a - b),
    seconds: (performance.now() - from) / 1000,
    failures,
  }
}
