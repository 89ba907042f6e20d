import { createCipheriv } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import { type Dispatcher, Pool } from 'undici'

/** One request of the stream; `path` without it the address itself. */
export type Arrival = { method?: string; path?: string; headers?: Record<string, string>; body?: string | Buffer }

/**
 * What came of it: how many requests were answered, their sorted latencies in ms from when each was due, without those of the
 * first second, in which all connections are opened; and how many failed in which way.
 */
export type Arrived = { answered: number; latencies: number[]; seconds: number; failures: Map<string, number> }

type Options = {
  url: string
  connections: number
  seconds: number
  rate: number
  headers: Record<string, string>
  requests: Arrival[]
}

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

/**
 * Sends requests as independent users do: at random moments (a Poisson process, the same one each time), whether earlier
 * ones are answered or not. A slow answer therefore counts for all that queue behind it.
 */
export const sendArrivals = async ({
  url,
  connections,
  seconds,
  rate,
  headers,
  requests,
}: Options): Promise<Arrived> => {
  const { origin, pathname, search } = new URL(url)
  const pool = new Pool(origin, { connections, pipelining: 1, headersTimeout: answerMs, bodyTimeout: answerMs })
  const latencies: number[] = []
  const failures = new Map<string, number>()
  const times = dueTimes(rate, seconds)
  let sent = 0
  let open = 0
  let answered = 0

  const send = (due: number, ended: () => void): void => {
    const {
      method = 'GET',
      path = `${pathname}${search}`,
      body = null,
      ...own
    } = requests[sent % requests.length] ?? {}
    sent += 1
    open += 1
    let status = 0
    const end = (failure?: string): void => {
      open -= 1
      if (failure === undefined) {
        answered += 1
        if (due - from > openingMs) latencies.push(performance.now() - due)
      } else failures.set(failure, (failures.get(failure) ?? 0) + 1)
      ended()
    }
    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: () => {},
      onResponseStart: (_controller, code) => {
        status = code
      },
      onResponseData: () => {},
      onResponseEnd: () => end(status >= 200 && status < 300 ? undefined : `status ${status}`),
      onResponseError: (_controller, error) => end(error.message),
    }
    pool.dispatch(
      { method: method as Dispatcher.HttpMethod, path, headers: { ...headers, ...own.headers }, body },
      handler,
    )
  }

  const from = performance.now()
  try {
    await new Promise<void>((resolve, reject) => {
      const deadline = setTimeout(
        () => reject(new Error(`${open} requests have no answer`)),
        seconds * 1000 + 2 * answerMs,
      )
      const ended = () => {
        if (sent < times.length || open > 0) return
        clearTimeout(deadline)
        resolve()
      }
      const timer = setInterval(() => {
        const now = performance.now() - from
        while ((times[sent] ?? Number.POSITIVE_INFINITY) <= now) send(from + (times[sent] ?? 0), ended)
        if (sent === times.length) clearInterval(timer)
      }, 1)
    })
  } finally {
    await pool.destroy()
  }
  return { answered, latencies: latencies.sort((a, b) => a - b), seconds: (performance.now() - from) / 1000, failures }
}
