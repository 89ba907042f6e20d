import autocannon, { type Options } from 'autocannon'
import { sendArrivals } from './arrivals.ts'
import { cpuOf } from './process.ts'

/**
 * Requests to send: with `rate` (a second, all together) as many as that, at random moments, whether earlier ones are
 * answered or not; without it as fast as `connections` allow, each after its last answer.
 */
export type Load = {
  url: string
  connections?: number
  seconds: number
  rate?: number
  headers?: Record<string, string>
  /** Cycled through, of a load without a rate; without it one GET of `url`. */
  requests?: Options['requests']
  /** Processes whose CPU time is added up. */
  pids?: number[]
}

/** What came of it; `cpu` is µs of all `pids` per request, latencies are ms and count from when a request was due. */
export type Outcome = { requests: number; perSecond: number; p50: number; p99: number; cpu: number }

type Sent = Omit<Outcome, 'cpu'> & { failures: string[] }

const asFastAsAnswered = async (options: Options): Promise<Sent> => {
  const result = await autocannon(options)
  const failed = result.errors + result.timeouts + result.non2xx
  const counted = Object.entries(result.statusCodeStats ?? {}).map(([status, { count }]) => `${count} × ${status}`)
  return {
    requests: result['2xx'],
    perSecond: result['2xx'] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    failures: failed > 0 ? [...counted, `${result.errors} errors`, `${result.timeouts} time-outs`] : [],
  }
}

// autocannon sends each connection's share of a rate at the beginning of each second, all at once.
const atRate = async (options: Parameters<typeof sendArrivals>[0]): Promise<Sent> => {
  const { answered, latencies, seconds, failures } = await sendArrivals(options)
  const percentile = (share: number) => latencies[Math.ceil(latencies.length * share) - 1] ?? Number.NaN
  return {
    requests: answered,
    perSecond: answered / seconds,
    p50: percentile(0.5),
    p99: percentile(0.99),
    failures: [...failures].map(([failure, count]) => `${count} × ${failure}`),
  }
}

/** Sends the load. @throws Error where an answer is not 2xx or does not come: a benchmark of failures says nothing */
export const load = async ({ url, connections = 32, seconds, rate, headers = {}, requests, pids = [] }: Load) => {
  const used = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0)
  const before = used()
  const { failures, ...sent } =
    rate === undefined
      ? await asFastAsAnswered({
          url,
          connections,
          duration: seconds,
          headers,
          timeout: 30,
          ...(requests && { requests }),
        })
      : await atRate({ url, connections, seconds, rate, headers })
  const cpu = used() - before
  if (failures.length > 0) throw new Error(`${url}: not all of ${sent.requests} succeeded: ${failures.join(', ')}`)
  const outcome: Outcome = { ...sent, cpu: cpu / sent.requests }
  return outcome
}
