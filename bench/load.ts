import autocannon, { type Options } from 'autocannon'
import { sendArrivals } from './open-loop.ts'
import { cpuOf } from './process.ts'

/**
 * The load. With `rate` it is an open loop: that many requests per second in total, at random times, whether or not earlier ones
 * have got their responses. Without `rate` it is a closed loop: each of `connections` sends its next request after the response.
 */
export type Load = {
  url: string
  connections?: number
  seconds: number
  rate?: number
  headers?: Record<string, string>
  /** The requests of a closed loop, sent in turns. Default: GET `url`. */
  requests?: Options['requests']
  /** The processes whose CPU time is added up. */
  pids?: number[]
}

/** `cpu` is µs of all `pids` per request. Latencies are in ms and count from when a request was due. */
export type LoadResult = { requests: number; perSecond: number; p50: number; p99: number; cpu: number }

type SentLoad = Omit<LoadResult, 'cpu'> & { failures: string[] }

const sendClosedLoop = async (options: Options): Promise<SentLoad> => {
  const result = await autocannon(options)
  const failed = result.errors + result.timeouts + result.non2xx
  const counted = Object.entries(result.statusCodeStats ?? {}).map(([status, { count }]) => `${count} × ${status}`)
  return {
    requests: result['2xx'],
    perSecond: result['2xx'] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    failures: failed > 0 ? [...counted, `${result.errors} errors`, `${result.timeouts} timeouts`] : [],
  }
}

// Not autocannon: with a rate it sends each second's share of a connection at once, at the beginning of the second.
const sendOpenLoop = async (options: Parameters<typeof sendArrivals>[0]): Promise<SentLoad> => {
  const { responses, latencies, seconds, failures } = await sendArrivals(options)
  const percentile = (share: number) => latencies[Math.ceil(latencies.length * share) - 1] ?? Number.NaN
  return {
    requests: responses,
    perSecond: responses / seconds,
    p50: percentile(0.5),
    p99: percentile(0.99),
    failures: [...failures].map(([failure, count]) => `${count} × ${failure}`),
  }
}

/** Sends the load. @throws Error if any request fails, because the figures of failed requests mean nothing */
export const load = async ({ url, connections = 32, seconds, rate, headers = {}, requests, pids = [] }: Load) => {
  const used = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0)
  const before = used()
  const { failures, ...counts } =
    rate === undefined
      ? await sendClosedLoop({
          url,
          connections,
          duration: seconds,
          headers,
          timeout: 30,
          ...(requests && { requests }),
        })
      : await sendOpenLoop({ url, connections, seconds, rate, headers })
  const cpu = used() - before
  if (failures.length > 0) throw new Error(`${url}: not all of ${counts.requests} succeeded: ${failures.join(', ')}`)
  const result: LoadResult = { ...counts, cpu: cpu / counts.requests }
  return result
}
