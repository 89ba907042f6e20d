import { reportFault } from './error-reporting.ts'
import { currentLog, type Log } from './log.ts'
import { counter, gauge, histogram, slowBuckets } from './telemetry.ts'
import { sleep, withTimeout } from './timeout.ts'

/** Background work of a service: a poller, a sweeper. */
export type Task = {
  name: string
  start(): Promise<void> | void
  /** Resolves when the work has ended, at the latest after some seconds. */
  stop(): Promise<void>
}

/** Times are milliseconds. */
export type EveryOptions = {
  name: string
  /** From the end of one run to the start of the next, give or take a tenth so that replicas do not move in step. */
  intervalMs: number
  /** `signal` aborts when the task stops or the run takes longer than `timeoutMs`. A rejection is logged. */
  run(signal: AbortSignal): Promise<unknown> | unknown
  runAtStart?: boolean
  /** The next run comes as soon as this after a failed one. Default a minute, never more than `intervalMs`. */
  retryMs?: number
  /** Default 10 minutes. */
  timeoutMs?: number
  log?: Log
}

const stopTimeoutMs = 10_000

/** A task that runs again and again, never two runs at once. */
export const every = (options: EveryOptions): Task => {
  const { name, intervalMs, run, runAtStart = false, retryMs = 60_000, timeoutMs = 600_000, log } = options
  const runs = counter('task_runs_total', 'Runs of background tasks', ['task', 'outcome'])
  for (const outcome of ['done', 'failed']) runs.inc({ task: name, outcome }, 0)
  const seconds = histogram('task_seconds', 'Time that runs of background tasks took', ['task'], slowBuckets)
  const succeeded = gauge('task_last_success_timestamp_seconds', 'When a run last succeeded, since 1970', ['task'])
  let ending = new AbortController()
  let running: Promise<void> | undefined

  /** @returns whether it failed */
  const once = async (signal: AbortSignal): Promise<boolean> => {
    const limit = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      const end = seconds.startTimer({ task: name })
      await run(limit)
      end()
      runs.inc({ task: name, outcome: 'done' })
      succeeded.set({ task: name }, Date.now() / 1000)
      return false
    } catch (error) {
      if (signal.aborted) return true
      runs.inc({ task: name, outcome: 'failed' })
      const logger = log ?? currentLog()
      logger.error({ err: error, task: name }, 'task failed')
      reportFault(error)
      return true
    }
  }

  const loop = async (signal: AbortSignal) => {
    if (!runAtStart) await sleep(jittered(intervalMs), signal)
    while (!signal.aborted) {
      const failed = await once(signal)
      await sleep(jittered(failed ? Math.min(intervalMs, retryMs) : intervalMs), signal)
    }
  }

  return {
    name,
    start: () => {
      if (running) return
      ending = new AbortController()
      running = loop(ending.signal)
    },
    stop: async () => {
      ending.abort()
      const last = running
      running = undefined
      if (last)
        await withTimeout(stopTimeoutMs, `task ${name} still runs`, last).catch((error) =>
          (log ?? currentLog()).warn({ err: error }, 'cut short'),
        )
    },
  }
}

const jittered = (ms: number): number => ms * (0.9 + Math.random() * 0.2)
