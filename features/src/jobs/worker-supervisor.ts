import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { withTimeout } from '@clientele/platform/runtime/timeout'
import { createWakeSignal } from '@clientele/platform/runtime/wake-signal'
import type { JobConfig } from './job.config.ts'
import { createJobTable } from './job.store.ts'
import type { WorkerMessage } from './worker-process.ts'
import { workerConfig, workerEnvironment } from './worker-settings.ts'

type Options = {
  db: Db
  /** The service's worker program, which calls `runWorkerProcess`. */
  program: URL
  /** The configuration of the service. The worker process gets it without secrets. */
  config: JobConfig
  /** The kinds of jobs that the program runs. */
  kinds: string[]
  log: Log
}

/**
 * Starts the worker process when there are jobs. Call `wake` after the commit that added a job. `pid` returns the id of the worker
 * process, if it runs.
 */
export type WorkerSupervisor = Task & { wake(): void; pid(): number | undefined }

const stopTimeoutMs = 15_000
const maxPauseMs = 30_000
// Jobs allocate a few MB of short-lived rows per second. With a larger young generation they are collected before they are
// promoted.
const nodeFlags = ['--max-old-space-size=128', '--max-semi-space-size=8']

/**
 * Creates a task that polls for jobs and runs them in a child process, because parsing and checking files would block the event
 * loop that serves requests. The child process exits when there are no jobs.
 */
export const createWorkerSupervisor = ({ db, program, config, kinds, log }: Options): WorkerSupervisor => {
  const table = createJobTable(db)
  const limits = { leaseMs: config.jobLeaseMs, perUser: config.jobsPerUser }
  const wakeSignal = createWakeSignal()
  let child: ChildProcess | undefined
  let running: Promise<void> | undefined
  let stopping = false
  let crashes = 0

  const send = (message: WorkerMessage): void => {
    child?.send(message, () => {})
  }

  const start = (): void => {
    const started = fork(fileURLToPath(program), [], {
      execArgv: nodeFlags,
      env: workerEnvironment(process.env),
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Ctrl-C in a terminal then reaches only this process, which stops the worker process gracefully.
      detached: true,
    })
    child = started
    started.on('error', (err) => log.error({ err }, 'worker process error'))
    started.once('exit', (code, signal) => {
      child = undefined
      crashes = code === 0 ? 0 : crashes + 1
      if (code !== 0) log.error({ code, signal }, 'worker process exited unexpectedly')
      wakeSignal.notify()
    })
    send({ config: workerConfig(config) })
  }

  const loop = async (): Promise<void> => {
    while (!stopping) {
      wakeSignal.consume()
      const waiting = await table.hasClaimable(kinds, limits).catch(() => false)
      if (waiting && !stopping) {
        if (child) send('wake')
        else start()
      }
      const pauseMs = child || crashes === 0 ? config.jobPollMs : Math.min(500 * 2 ** crashes, maxPauseMs)
      await wakeSignal.wait(pauseMs * (0.9 + Math.random() * 0.2))
    }
  }

  const stopChild = async (): Promise<void> => {
    const last = child
    if (!last) return
    send('stop')
    await withTimeout(stopTimeoutMs, 'worker process did not exit', once(last, 'exit')).catch((err: unknown) => {
      log.warn({ err }, 'killing the worker process')
      last.kill('SIGKILL')
    })
  }

  return {
    name: 'jobs',
    wake: wakeSignal.notify,
    pid: () => child?.pid,
    start: () => {
      running ??= loop()
    },
    stop: async () => {
      stopping = true
      wakeSignal.notify()
      await running
      await stopChild()
    },
  }
}
