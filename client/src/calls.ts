import type { Core } from './core.ts'
import { ClienteleError } from './error.ts'
import type { Job } from './generated/api.ts'
import type { Input } from './request.ts'
import type {
  Call,
  CallWithBody,
  Download,
  InputArguments,
  Item,
  List,
  ListRoute,
  Page,
  RequestOptions,
  Route,
  RouteWithBody,
  RouteWithoutBody,
} from './routes.ts'
import { pause, signalWithin } from './wait.ts'

/** Splits the arguments of a call into the values of its path, by their names, and the others. */
const splitArguments = (route: Route, args: unknown[]): { path: Record<string, unknown>; rest: unknown[] } => {
  const names = [...route.matchAll(/\{(\w+)\}/g)].map(([, name]) => name as string)
  return {
    path: Object.fromEntries(names.map((name, index) => [name, args[index]])),
    rest: args.slice(names.length),
  }
}
const inputOf = <R extends Route>(input: Input): InputArguments<R> => [input] as InputArguments<R>

type AnyPage<R extends ListRoute> = { data: Item<R>[]; page: { nextCursor: string | null } }

/** How long to wait for a job, and what to call with each state that is read. */
export type WaitOptions = {
  /** Default: ten minutes. */
  timeoutMs?: number | undefined
  signal?: AbortSignal | undefined
  onProgress?: ((job: Job) => void) | undefined
}

const jobTimeoutMs = 600_000
const maxPollMs = 5_000

/** Makes the functions of the resources from routes. */
export const createCalls = (core: Core) => {
  const call =
    <R extends RouteWithoutBody>(route: R): Call<R> =>
    (...args) => {
      const { path, rest } = splitArguments(route, args)
      return core.request(route, ...inputOf<R>({ ...(rest[0] as RequestOptions), path }))
    }
  const callWithBody =
    <R extends RouteWithBody>(route: R): CallWithBody<R> =>
    (...args) => {
      const { path, rest } = splitArguments(route, args)
      return core.request(route, ...inputOf<R>({ ...(rest[1] as RequestOptions), path, body: rest[0] }))
    }
  const download =
    <R extends RouteWithoutBody>(route: R): Download<R> =>
    (...args) => {
      const { path, rest } = splitArguments(route, args)
      return core.download(route, ...inputOf<R>({ ...(rest[0] as RequestOptions), path }))
    }
  const page =
    <R extends ListRoute>(route: R): Page<R> =>
    (...args) => {
      const { path, rest } = splitArguments(route, args)
      return core.request(route, ...inputOf<R>({ ...(rest[1] as RequestOptions), path, query: rest[0] as object }))
    }
  const list = <R extends ListRoute>(route: R): List<R> =>
    async function* (...args) {
      const { path, rest } = splitArguments(route, args)
      let cursor: string | null | undefined
      do {
        const query = { limit: 200, total: 'none', ...(rest[0] as object), ...(cursor && { cursor }) }
        const input = inputOf<R>({ ...(rest[1] as RequestOptions), path, query })
        const { data, page } = (await core.request(route, ...input)) as AnyPage<R>
        yield* data
        cursor = page.nextCursor
      } while (cursor)
    }

  const wait =
    (route: 'GET /v1/jobs/{id}' | 'GET /v1/order-jobs/{id}') =>
    async (id: string, { timeoutMs = jobTimeoutMs, signal, onProgress }: WaitOptions = {}): Promise<Job> => {
      const within = signalWithin(timeoutMs, signal)
      try {
        for (let delayMs = 250; ; delayMs = Math.min(maxPollMs, delayMs * 1.5)) {
          const job = await core.request(route, { path: { id }, signal: within })
          onProgress?.(job)
          if (['succeeded', 'failed', 'cancelled'].includes(job.status)) return job
          await pause(delayMs, within)
        }
      } catch (cause) {
        if (!within.aborted || signal?.aborted) throw cause
        throw new ClienteleError({
          code: 'timed_out',
          message: `the job ${id} still runs after ${timeoutMs} ms`,
          cause,
        })
      }
    }

  return { call, callWithBody, download, list, page, wait }
}
