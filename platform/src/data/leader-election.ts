import type pg from 'pg'
import { currentLog, type Log } from '../runtime/log.ts'
import type { Task } from '../runtime/periodic-task.ts'
import { gauge } from '../runtime/telemetry.ts'
import { sleep, withTimeout } from '../runtime/timeout.ts'
import { borrowConnection } from './connection.ts'
import type { Db } from './database.ts'

export type LeaderTaskOptions = {
  db: Db
  name: string
  /** The task that runs on the leader only. */
  task: Task
  /** The interval, in ms, at which the leader checks its connection and other replicas try to become leader. Default 2 s. */
  checkMs?: number
  log?: Log
}

/**
 * Creates a task that runs `task` on one replica only. The leader holds an advisory lock, and with it one connection of the pool.
 * If the connection breaks, the lock is released: the leader stops its task, and another replica starts its own. Both may run for
 * a moment, so the work must tolerate that.
 */
export const leaderTask = ({ db, name, task, checkMs = 2_000, log }: LeaderTaskOptions): Task => {
  const leaderGauge = gauge('task_leader', '1 on the replica that runs the task, else 0', ['task'])
  const logger = () => log ?? currentLog()
  let stopController = new AbortController()
  let running: Promise<void> | undefined

  const acquireLoop = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      await tryToLead(signal).catch((error) => logger().warn({ err: error, task: name }, 'leadership failed'))
      await sleep(checkMs * (0.8 + Math.random() * 0.4), signal)
    }
  }

  /** Runs the task while this replica is the leader. Returns at once if another replica is. */
  const tryToLead = async (signal: AbortSignal) => {
    const connection = await borrowConnection(db.sequelize)
    const { client } = connection
    let isHeld = false
    let broken = true
    try {
      const lock = 'select try_session_lock($1) as held'
      isHeld = (await client.query<{ held: boolean }>(lock, [`task ${name}`])).rows[0]?.held === true
      if (isHeld) await runAsLeader(client, signal)
      if (isHeld) await client.query('select pg_advisory_unlock_all()')
      broken = false
    } finally {
      leaderGauge.set({ task: name }, 0)
      if (broken) await connection.destroy()
      else connection.release()
    }
  }

  const runAsLeader = async (client: pg.Client, signal: AbortSignal) => {
    leaderGauge.set({ task: name }, 1)
    logger().info({ task: name }, 'became leader')
    await task.start()
    try {
      while (!signal.aborted) {
        await sleep(checkMs, signal)
        await withTimeout(5_000, 'the connection that holds the lock does not respond', client.query('select 1'))
      }
    } finally {
      await task.stop()
    }
  }

  return {
    name,
    start: () => {
      if (running) return
      stopController = new AbortController()
      running = acquireLoop(stopController.signal)
    },
    stop: async () => {
      stopController.abort()
      await running
      running = undefined
    },
  }
}
