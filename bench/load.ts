import autocannon, { type Options } from 'autocannon'
import { cpuOf } from './process.ts'

/** Requests to send: with `rate` (a second, all together) as many as that, without as fast as `connections` allow. */
export type Load = {
  url: string
  connections?: number
  seconds: number
  rate?: number
  headers?: Record<string, string>
  /** Cycled through by every connection; without it one GET of `url`. */
  requests?: Options['requests']
  /** Processes whose CPU time is added up. */
  pids?: number[]
}

/** What came of it; `cpu` is µs of all `pids` per request, latencies are ms and count from when a request was due. */
export type Outcome = { requests: number; perSecond: number; p50: number; p99: number; cpu: number }

/** Sends the load. @throws Error where an answer is not 2xx or does not come: a benchmark of failures says nothing */
export const load = async ({ url, connections = 32, seconds, rate, headers = {}, requests, pids = [] }: Load) => {
  const used = () => pids.reduce((sum, pid) => sum + cpuOf(pid), 0)
  const before = used()
  const result = await autocannon({
    url,
    connections,
    duration: seconds,
    headers,
    timeout: 30,
    ...(rate !== undefined && { overallRate: rate }),
    ...(requests && { requests }),
  })
  const cpu = used() - before
  const failed = result.errors + result.timeouts + result.non2xx
  if (failed > 0) throw new Error(`${url}: ${failed} of ${result.requests.total} failed: ${statuses(result)}`)
  const outcome: Outcome = {
    requests: result['2xx'],
    perSecond: result['2xx'] / result.duration,
    p50: result.latency.p50,
    p99: result.latency.p99,
    cpu: cpu / result['2xx'],
  }
  return outcome
}

const statuses = (result: autocannon.Result): string => {
  const counted = Object.entries(result.statusCodeStats ?? {}).map(([status, { count }]) => `${count} × ${status}`)
  return [...counted, `${result.errors} errors`, `${result.timeouts} time-outs`].join(', ')
}
