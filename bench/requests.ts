import { Agent, type IncomingMessage, request } from 'node:http'
import { cpuIfRunning } from './process.ts'

/** One request of a benchmark. `body` is sent as JSON. */
export type Step = { method?: string; path: string; body?: unknown; type?: string }
/**
 * The server to measure. `pids` returns the processes whose CPU time is counted. `settle` resolves when the work that `requests`
 * requests have left behind is done; its CPU time counts.
 */
export type Target = {
  url: string
  token: () => Promise<string>
  pids: () => Promise<number[]> | number[]
  settle?: (requests: number) => Promise<void>
}
/** `cpu` is µs per request, `cpuByProcess` the same by process, `median` the median latency in ms. */
export type Measurement = {
  requests: number
  cpu: number
  cpuByProcess: ReadonlyMap<number, number>
  median: number
}

/** The median. */
export const medianOf = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

const text = async (response: IncomingMessage): Promise<string> => {
  let whole = ''
  response.setEncoding('utf8')
  for await (const chunk of response) whole += chunk
  return whole
}

/** Sends one request and returns any response. */
export const sendRequest = async (
  url: string,
  token: string,
  { method = 'GET', path, body, type }: Step,
  agent?: Agent,
): Promise<{ status: number; content: string }> => {
  const json = body === undefined ? undefined : JSON.stringify(body)
  const response = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(json !== undefined && {
        'content-type': type ?? 'application/json',
        'content-length': Buffer.byteLength(json),
      }),
    }
    const sent = request(url + path, { method, headers, timeout: 30_000, ...(agent && { agent }) }, resolve)
    sent.on('error', reject).on('timeout', () => sent.destroy(new Error(`${method} ${path}: no response in 30 s`)))
    sent.end(json)
  })
  return { status: response.statusCode ?? 500, content: await text(response) }
}

/** Sends one request and returns the body. @throws Error if the status is not 2xx */
export const send = async (url: string, token: string, step: Step, agent?: Agent): Promise<string> => {
  const { status, content } = await sendRequest(url, token, step, agent)
  if (status >= 300) throw new Error(`${step.method ?? 'GET'} ${step.path}: ${status} ${content}`)
  return content
}

/**
 * Sends `next(0)`, `next(1)` … for `ms` milliseconds, over `concurrency` kept-alive connections, with the target's token or with
 * `tokens` in turns.
 */
export const measureRequests = async (
  target: Target,
  next: (index: number) => Step,
  options: { ms: number; concurrency?: number; from?: number; tokens?: readonly string[] },
): Promise<Measurement> => {
  const { ms, concurrency = 1, from = 0, tokens = [await target.token()] } = options
  const agent = new Agent({ keepAlive: true, maxSockets: concurrency })
  const latencies: number[] = []
  // Counted by process, because a PostgreSQL backend may start or end meanwhile.
  const used = async () =>
    new Map((await target.pids()).map((pid) => [pid, cpuIfRunning(pid) ?? 0] as const).filter(([, cpu]) => cpu > 0))
  let index = from
  const before = await used()
  const until = performance.now() + ms
  const worker = async () => {
    while (performance.now() < until) {
      const token = tokens[index % tokens.length] ?? ''
      const step = next(index++)
      const started = performance.now()
      await send(target.url, token, step, agent)
      latencies.push(performance.now() - started)
    }
  }
  try {
    await Promise.all(Array.from({ length: concurrency }, worker))
    const requests = latencies.length
    await target.settle?.(requests)
    const spent = [...(await used())].map(([pid, cpu]) => [pid, (cpu - (before.get(pid) ?? 0)) / requests] as const)
    return {
      requests,
      cpu: spent.reduce((sum, [, cpu]) => sum + cpu, 0),
      cpuByProcess: new Map(spent),
      median: medianOf(latencies),
    }
  } finally {
    agent.destroy()
  }
}
