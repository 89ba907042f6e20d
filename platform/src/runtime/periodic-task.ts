import { reportError } from './error-reporting.ts'
import { currentLog, type Log } from './log.ts'
import { counter, gauge, histogram, slowBuckets } from './telemetry.ts'
import { sleep, withTimeout } from './timeout.ts'

/** Background work of a service, such as a poller or a cleanup. */
export type Task = {
  name: string
  start(): Promise<void> | void
  /** Resolves when the work has ended, or after some seconds if it has not. */
  stop(): Promise<void>
}

/** Times are in milliseconds. */
export type PeriodicTaskOptions = {
  name: string
  /** Time from the end of one run to the start of the next, ±10 % so that replicas do not run in step. */
  intervalMs: number
  /** Does the work of one run. `signal` aborts when the task stops or after `timeoutMs`. A rejection is logged and reported. */
  run(signal: AbortSignal): Promise<unknown> | unknown
  /** Whether the first run starts at once instead of after an interval. Default false. */
  runAtStart?: boolean
  /** Interval after a failed run. Default one minute, and at most `intervalMs`. */
  retryMs?: number
  /** Timeout of one run. Default 10 minutes. */
  timeoutMs?: number
  log?: Log
}

const stopTimeoutMs = 10_000

/** Creates a task that runs `run` at an interval. Runs never overlap. */
export const periodicTask = (options: PeriodicTaskOptions): Task => {
  const { name, intervalMs, run, runAtStart = false, retryMs = 60_000, timeoutMs = 600_000, log } = options
  const runs = counter('task_runs_total', 'Runs of background tasks by outcome', ['task', 'outcome'])
  for (const outcome of ['done', 'failed']) runs.inc({ task: name, outcome }, 0)
  const duration = histogram('task_seconds', 'Duration of runs of background tasks', ['task'], slowBuckets)
  const lastSuccess = gauge('task_last_success_timestamp_seconds', 'Unix time of the last successful run', ['task'])
  let stopController = new AbortController()
  let running: Promise<void> | undefined

  /** @returns whether the run failed or was aborted */
  const runOnce = async (signal: AbortSignal): Promise<boolean> => {
    const runSignal = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)])
    try {
      const stopTimer = duration.startTimer({ task: name })
      await run(runSignal)
      stopTimer()
      runs.inc({ task: name, outcome: 'done' })
      lastSuccess.set({ task: name }, Date.now() / 1000)
      return false
    } catch (error) {
      if (signal.aborted) return true
      runs.inc({ task: name, outcome: 'failed' })
      const logger = log ?? currentLog()
      logger.error({ err: error, task: name }, 'task failed')
      reportError(error)
      return true
    }
  }

  const loop = async (signal: AbortSignal) => {
    if (!runAtStart) await sleep(jittered(intervalMs), signal)
    while (!signal.aborted) {
      const failed = await runOnce(signal)
      await sleep(jittered(failed ? Math.min(intervalMs, retryMs) : intervalMs), signal)
    }
  }

  return {
    name,
    start: () => {
      if (running) return
      stopController = new AbortController()
      running = loop(stopController.signal)
    },
    stop: async () => {
      stopController.abort()
      const last = running
      running = undefined
      if (last)
        await withTimeout(stopTimeoutMs, `task ${name} did not stop in time`, last).catch((error) =>
          (log ?? currentLog()).warn({ err: error }, 'task did not stop in time'),
        )
    },
  }
}

const jittered = (ms: number): number => ms * (0.9 + Math.random() * 0.2)
