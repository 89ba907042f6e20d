import { setTimeout as pause } from 'node:timers/promises'
import type { Random } from './random.ts'
import type { Windows } from './windows.ts'

export type Request = {
  method: string
  path: string
  token?: string | undefined
  headers?: Record<string, string>
  body?: NonNullable<RequestInit['body']>
}

/** `status` is 0 where no answer came. */
// biome-ignore lint/suspicious/noExplicitAny: what came, whatever it is
export type Answer = { status: number; headers: Headers; body: any }
/** `uncertain`: an earlier try was not answered, or by a fault, so it may have been done. */
export type Settled = Answer & { uncertain: boolean }

/** Sends requests as a careful client does, and notes whatever a client must not see. */
export type Traffic = {
  /** Tries until there is an answer that is no fault of the moment. Undefined when the run ended before. */
  settle(request: Request): Promise<Settled | undefined>
  violation(text: string): void
  violations(): readonly string[]
  figures(): Figures
  /** From now on nothing is tried again. */
  end(): void
}

export type Figures = {
  attempts: number
  statuses: Record<string, number>
  longest: { ms: number; what: string }
}

/** The gateway's own limits are 2 s to connect, 5 s to wait and 30 s for the answer. */
const hungMs = 40_000
const giveUpMs = 120_000
const mostKept = 200
const passing = [502, 503, 504]

const isRunning = (answer: Answer): boolean => answer.status === 409 && answer.body?.code === 'idempotency_running'

const codeOf = (error: unknown): string => {
  const { name, message, cause } = error as Error & { cause?: { code?: string; message?: string } }
  return name === 'TimeoutError' ? 'hung' : String(cause?.code ?? cause?.message ?? message)
}

/** The status, or why there is none. */
const labelOf = ({ status, error }: Answer & { error?: string }): string => String(status === 0 ? error : status)

/** What a failure lacks that is answered at all. */
const formFaults = ({ status, headers }: Answer): string[] => {
  if (status === 0) return []
  const hasDelay = /^\d+$/.test(headers.get('retry-after') ?? '')
  const isProblem = /^application\/problem\+json/.test(headers.get('content-type') ?? '')
  return [...(hasDelay ? [] : ['without Retry-After']), ...(isProblem ? [] : ['that is no problem'])]
}

export const createTraffic = ({
  gateway,
  windows,
  random,
}: {
  gateway: string
  windows: Windows
  random: Random
}): Traffic => {
  const violations = new Map<string, { first: string; count: number }>()
  const figures: Figures = { attempts: 0, statuses: {}, longest: { ms: 0, what: '' } }
  let ended = false

  const violation = (text: string): void => {
    // The same fault meets many requests: it is told once, with the first of them.
    const kind = text.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, '…').replace(/\d+ ms/g, '… ms')
    const known = violations.get(kind)
    if (known) known.count += 1
    else if (violations.size < mostKept)
      violations.set(kind, { first: `${new Date().toISOString()} ${text}`, count: 1 })
  }

  const fetched = async ({
    method,
    path,
    token,
    headers = {},
    body,
  }: Request): Promise<Answer & { error?: string }> => {
    try {
      const response = await fetch(`${gateway}${path}`, {
        method,
        redirect: 'manual',
        headers: { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...headers },
        signal: AbortSignal.timeout(hungMs),
        ...(body !== undefined && { body }),
      })
      const isJson = /json/.test(response.headers.get('content-type') ?? '')
      const text = isJson ? await response.text() : String(Buffer.from(await response.arrayBuffer()).length)
      const parsed: unknown = text === '' ? undefined : JSON.parse(text)
      return { status: response.status, headers: response.headers, body: parsed }
    } catch (error) {
      return { status: 0, headers: new Headers(), body: undefined, error: codeOf(error) }
    }
  }

  /** Reports what is wrong with a failure, by the windows that it happened in. */
  const judge = (what: string, path: string, answer: Answer & { error?: string }, from: number): void => {
    const to = Date.now()
    const during = windows.during(from, to)
    const label = labelOf(answer)
    for (const window of during) window.failures[label] = (window.failures[label] ?? 0) + 1
    const when = during.map((window) => window.label).join(', ') || 'no fault'
    const place = `${what} during ${when}, after ${to - from} ms`
    if (answer.error === 'hung') return void violation(`no answer within ${hungMs} ms: ${place}`)
    const isAllowed = during.some(({ cost }) => (answer.status === 0 ? cost.connections : cost.routes?.test(path)))
    const shown = answer.status === 0 ? label : `${label} ${JSON.stringify(answer.body)}`
    if (!isAllowed) violation(`${shown}: ${place}`)
    for (const fault of formFaults(answer)) violation(`${label} ${fault}: ${place}`)
  }

  const attempt = async (request: Request): Promise<Answer> => {
    const from = Date.now()
    const answer = await fetched(request)
    const ms = Date.now() - from
    const what = `${request.method} ${request.path.slice(0, 100)}`
    for (const window of windows.during(from, from + ms)) {
      window.longestMs = Math.max(window.longestMs, ms)
      if (answer.status !== 0 && answer.status < 500) window.answered += 1
    }
    figures.attempts += 1
    const label = labelOf(answer)
    figures.statuses[label] = (figures.statuses[label] ?? 0) + 1
    if (ms > figures.longest.ms) figures.longest = { ms, what: `${what} (${label})` }
    if (answer.status === 0 || passing.includes(answer.status)) judge(what, request.path, answer, from)
    else if (answer.status >= 500 || answer.status === 401 || answer.status === 429)
      violation(`${answer.status} ${JSON.stringify(answer.body)}: ${what}`)
    return answer
  }

  return {
    settle: async (request) => {
      let uncertain = false
      for (const until = Date.now() + giveUpMs; ; ) {
        const answer = await attempt(request)
        const again = answer.status === 0 || passing.includes(answer.status) || isRunning(answer)
        if (!again) return { ...answer, uncertain }
        uncertain = true
        if (ended) return undefined
        if (Date.now() > until) {
          violation(`still failing after ${giveUpMs} ms: ${request.method} ${request.path}`)
          return undefined
        }
        await pause(200 + random.below(800))
      }
    },
    violation,
    violations: () => [...violations.values()].map(({ first, count }) => `${count} × ${first}`),
    figures: () => figures,
    end: () => {
      ended = true
    },
  }
}
