import { setTimeout as pause } from 'node:timers/promises'
import type { FaultWindows } from './fault-windows.ts'
import type { Random } from './random.ts'

export type Request = {
  method: string
  path: string
  token?: string | undefined
  headers?: Record<string, string>
  body?: NonNullable<RequestInit['body']>
}

/** `status` is 0 if there was no response. */
// biome-ignore lint/suspicious/noExplicitAny: the body may be anything
export type HttpResponse = { status: number; headers: Headers; body: any }
/** `uncertain`: an earlier attempt failed or got no response, so it may have been applied. */
export type FinalResponse = HttpResponse & { uncertain: boolean }

/** Sends requests, retries failed ones as a careful client does, and records violations: what a client must never see. */
export type Traffic = {
  /** Retries while there is no response, or 502, 503 or 504. @returns undefined if the run ended or after two minutes */
  sendWithRetry(request: Request): Promise<FinalResponse | undefined>
  addViolation(text: string): void
  violations(): readonly string[]
  stats(): TrafficStats
  /** From now on no request is retried. */
  stopRetrying(): void
}

export type TrafficStats = {
  attempts: number
  statuses: Record<string, number>
  slowest: { ms: number; what: string }
}

/** The gateway's own timeouts are 2 s to connect, 5 s in its queue and 30 s for the response. */
const hangTimeoutMs = 40_000
const maxRetryMs = 120_000
const maxViolations = 200
const retryableStatuses = [502, 503, 504]

const isStillRunning = (response: HttpResponse): boolean =>
  response.status === 409 && response.body?.code === 'idempotency_running'

const errorCode = (error: unknown): string => {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  return name === 'TimeoutError' ? 'hung' : String(cause?.code ?? cause?.message ?? message)
}

/** The status, or the error if there was no response. */
const outcomeOf = ({ status, error }: HttpResponse & { error?: string }): string =>
  String(status === 0 ? error : status)

/** What is wrong with the form of an error response. */
const malformations = ({ status, headers }: HttpResponse): string[] => {
  if (status === 0) return []
  const hasDelay = /^\d+$/.test(headers.get('retry-after') ?? '')
  const isProblem = /^application\/problem\+json/.test(headers.get('content-type') ?? '')
  return [...(hasDelay ? [] : ['without Retry-After']), ...(isProblem ? [] : ['is not application/problem+json'])]
}

export const createTraffic = ({
  gateway,
  windows,
  random,
}: {
  gateway: string
  windows: FaultWindows
  random: Random
}): Traffic => {
  const violations = new Map<string, { first: string; count: number }>()
  const stats: TrafficStats = { attempts: 0, statuses: {}, slowest: { ms: 0, what: '' } }
  let stopped = false

  const addViolation = (text: string): void => {
    // Many requests fail in the same way: they are counted, and the first one is kept.
    const kind = text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…').replace(/\d+ ms/g, '… ms')
    const known = violations.get(kind)
    if (known) known.count += 1
    else if (violations.size < maxViolations)
      violations.set(kind, { first: `${new Date().toISOString()} ${text}`, count: 1 })
  }

  const sendOnce = async ({
    method,
    path,
    token,
    headers = {},
    body,
  }: Request): Promise<HttpResponse & { error?: string }> => {
    try {
      const response = await fetch(`${gateway}${path}`, {
        method,
        redirect: 'manual',
        headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
        signal: AbortSignal.timeout(hangTimeoutMs),
        ...(body !== undefined && { body }),
      })
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      const text = isJson ? await response.text() : String(Buffer.from(await response.arrayBuffer()).length)
      const parsed: unknown = text === '' ? undefined : JSON.parse(text)
      return { status: response.status, headers: response.headers, body: parsed }
    } catch (error) {
      return { status: 0, headers: new Headers(), body: undefined, error: errorCode(error) }
    }
  }

  /** Adds a violation if no fault of that time allows the failure, if the request hung or if the response is malformed. */
  const checkFailure = (
    what: string,
    path: string,
    response: HttpResponse & { error?: string },
    from: number,
  ): void => {
    const to = Date.now()
    const during = windows.during(from, to)
    const outcome = outcomeOf(response)
    for (const window of during) window.failures[outcome] = (window.failures[outcome] ?? 0) + 1
    const when = during.map((window) => window.label).join(', ') || 'no fault'
    const description = `${what} during ${when}, after ${to - from} ms`
    if (response.error === 'hung') return void addViolation(`no response within ${hangTimeoutMs} ms: ${description}`)
    const isAllowed = during.some(({ allowed }) =>
      response.status === 0 ? allowed.connections : allowed.routes?.test(path),
    )
    const shown = response.status === 0 ? outcome : `${outcome} ${JSON.stringify(response.body)}`
    if (!isAllowed) addViolation(`${shown}: ${description}`)
    for (const malformation of malformations(response)) addViolation(`${outcome} ${malformation}: ${description}`)
  }

  const attempt = async (request: Request): Promise<HttpResponse> => {
    const from = Date.now()
    const response = await sendOnce(request)
    const ms = Date.now() - from
    const what = `${request.method} ${request.path.slice(0, 100)}`
    for (const window of windows.during(from, from + ms)) {
      window.maxMs = Math.max(window.maxMs, ms)
      if (response.status !== 0 && response.status < 500) window.responses += 1
    }
    stats.attempts += 1
    const outcome = outcomeOf(response)
    stats.statuses[outcome] = (stats.statuses[outcome] ?? 0) + 1
    if (ms > stats.slowest.ms) stats.slowest = { ms, what: `${what} (${outcome})` }
    if (response.status === 0 || retryableStatuses.includes(response.status))
      checkFailure(what, request.path, response, from)
    else if (response.status >= 500 || response.status === 401 || response.status === 429)
      addViolation(`${response.status} ${JSON.stringify(response.body)}: ${what}`)
    return response
  }

  return {
    sendWithRetry: async (request) => {
      let uncertain = false
      for (const until = Date.now() + maxRetryMs; ; ) {
        const response = await attempt(request)
        const mustRetry =
          response.status === 0 || retryableStatuses.includes(response.status) || isStillRunning(response)
        if (!mustRetry) return { ...response, uncertain }
        uncertain = true
        if (stopped) return undefined
        if (Date.now() > until) {
          addViolation(`still failing after ${maxRetryMs} ms: ${request.method} ${request.path}`)
          return undefined
        }
        await pause(200 + random.below(800))
      }
    },
    addViolation,
    violations: () => [...violations.values()].map(({ first, count }) => `${count} × ${first}`),
    stats: () => stats,
    stopRetrying: () => {
      stopped = true
    },
  }
}
