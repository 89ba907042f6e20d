import { Agent, type IncomingMessage, request } from 'node:http'
import { cpuOf } from './process.ts'

/** One request of a benchmark; `body` is sent as JSON. */
export type Step = { method?: string; path: string; body?: unknown; type?: string }
/** What to drive: `pids` gives the processes whose CPU time counts. */
export type Target = { url: string; token: () => Promise<string>; pids: () => Promise<number[]> | number[] }
/** `cpu` is µs a request, `median` the median latency in ms. */
export type Driven = { requests: number; cpu: number; median: number }

/** The middle one. */
export const medianOf = (values: readonly number[]): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
}

const text = async (answer: IncomingMessage): Promise<string> => {
  let whole = ''
  answer.setEncoding('utf8')
  for await (const chunk of answer) whole += chunk
  return whole
}

/** Sends one request, whatever is answered. */
export const ask = async (
  url: string,
  token: string,
  { method = 'GET', path, body, type }: Step,
  agent?: Agent,
): Promise<{ status: number; content: string }> => {
  const json = body === undefined ? undefined : JSON.stringify(body)
  const answer = await new Promise<IncomingMessage>((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      ...(json !== undefined && {
        'content-type': type ?? 'application/json',
        'content-length': Buffer.byteLength(json),
      }),
    }
    const sent = request(url + path, { method, headers, timeout: 30_000, ...(agent && { agent }) }, resolve)
    sent.on('error', reject).on('timeout', () => sent.destroy(new Error(`${method} ${path}: no answer in 30 s`)))
    sent.end(json)
  })
  return { status: answer.statusCode ?? 500, content: await text(answer) }
}

/** Sends one request. @throws Error for an answer that is not 2xx */
export const send = async (url: string, token: string, step: Step, agent?: Agent): Promise<string> => {
  const { status, content } = await ask(url, token, step, agent)
  if (status >= 300) throw new Error(`${step.method ?? 'GET'} ${step.path}: ${status} ${content}`)
  return content
}

/** Sends `next(0)`, `next(1)` … for `ms`, `lanes` at a time over as many kept-alive connections. */
export const drive = async (
  target: Target,
  next: (index: number) => Step,
  { ms, lanes = 1, from = 0 }: { ms: number; lanes?: number; from?: number },
): Promise<Driven> => {
  const token = await target.token()
  const agent = new Agent({ keepAlive: true, maxSockets: lanes })
  const latencies: number[] = []
  // By process: a backend may come or go meanwhile.
  const used = async () => new Map((await target.pids()).map((pid) => [pid, cpuOf(pid)]))
  let index = from
  const until = performance.now() + ms
  const before = await used()
  const lane = async () => {
    while (performance.now() < until) {
      const step = next(index++)
      const started = performance.now()
      await send(target.url, token, step, agent)
      latencies.push(performance.now() - started)
    }
  }
  try {
    await Promise.all(Array.from({ length: lanes }, lane))
    const spent = [...(await used())].map(([pid, cpu]) => cpu - (before.get(pid) ?? 0))
    return {
      requests: latencies.length,
      cpu: spent.reduce((sum, cpu) => sum + cpu, 0) / latencies.length,
      median: medianOf(latencies),
    }
  } finally {
    agent.destroy()
  }
}
