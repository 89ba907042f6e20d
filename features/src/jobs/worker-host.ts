import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { withTimeout } from '@clientele/platform/runtime/timeout'
import { createBell } from '@clientele/platform/runtime/wake-signal'
import type { JobConfig } from './job.config.ts'
import { createJobTable } from './job.store.ts'
import type { JobMessage } from './worker-process.ts'

type Options = {
  db: Db
  /** The service's program of jobs: a call of `runJobProcess`. */
  program: URL
  /** The service's whole configuration. */
  config: JobConfig
  /** The kinds that the program knows. */
  kinds: string[]
  log: Log
}

/** The jobs of a service: `wake` after the commit that added one. */
export type JobHost = Task & { wake(): void; pid(): number | undefined }

const stopMs = 15_000
const longestPauseMs = 30_000
// A second's work is a few MB of short-lived rows: a small young generation would promote them.
const nodeFlags = ['--max-old-space-size=128', '--max-semi-space-size=8']

/**
 * Looks for jobs to do and starts a process for them: parsing and checking a file would hold up every request of the process
 * that answers them. There is none while there is nothing to do.
 */
export const createJobHost = ({ db, program, config, kinds, log }: Options): JobHost => {
  const table = createJobTable(db)
  const leasing = { leaseMs: config.jobLeaseMs, perUser: config.jobsPerUser }
  const bell = createBell()
  let child: ChildProcess | undefined
  let running: Promise<void> | undefined
  let stopping = false
  let faults = 0

  const send = (message: JobMessage): void => {
    child?.send(message, () => {})
  }

  const start = (): void => {
    const started = fork(fileURLToPath(program), [], {
      execArgv: nodeFlags,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // Ctrl-C in a terminal is for this process, which stops it in good order.
      detached: true,
    })
    child = started
    started.on('error', (err) => log.error({ err }, 'the job process'))
    started.once('exit', (code, signal) => {
      child = undefined
      faults = code === 0 ? 0 : faults + 1
      if (code !== 0) log.error({ code, signal }, 'the job process ended')
      bell.ring()
    })
    send({ config })
  }

  const loop = async (): Promise<void> => {
    while (!stopping) {
      bell.rang()
      const waiting = await table.isWaiting(kinds, leasing).catch(() => false)
      if (waiting && !stopping) {
        if (child) send('wake')
        else start()
      }
      const pauseMs = child || faults === 0 ? config.jobPollMs : Math.min(500 * 2 ** faults, longestPauseMs)
      await bell.wait(pauseMs * (0.9 + Math.random() * 0.2))
    }
  }

  const stopChild = async (): Promise<void> => {
    const last = child
    if (!last) return
    send('stop')
    await withTimeout(stopMs, 'the job process does not end', once(last, 'exit')).catch((err: unknown) => {
      log.warn({ err }, 'jobs are cut short')
      last.kill('SIGKILL')
    })
  }

  return {
    name: 'jobs',
    wake: bell.ring,
    pid: () => child?.pid,
    start: () => {
      running ??= loop()
    },
    stop: async () => {
      stopping = true
      bell.ring()
      await running
      await stopChild()
    },
  }
}
