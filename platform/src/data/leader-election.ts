import type pg from 'pg'
import { currentLog, type Log } from '../runtime/log.ts'
import type { Task } from '../runtime/periodic-task.ts'
import { gauge } from '../runtime/telemetry.ts'
import { sleep, withTimeout } from '../runtime/timeout.ts'
import { borrowConnection } from './connection.ts'
import type { Db } from './database.ts'

/** `task` runs on one replica at a time; `checkMs` is how soon another one takes over, and how often the leader makes sure. */
export type LeaderOptions = { db: Db; name: string; task: Task; checkMs?: number; log?: Log }

/**
 * Runs a task on one replica, by a session's advisory lock: it holds one connection of the pool while it leads. When that
 * connection is lost, so is the lock: the task is stopped and another replica starts its own. For a moment two may run, so
 * the work itself must bear that.
 */
export const leader = ({ db, name, task, checkMs = 2_000, log }: LeaderOptions): Task => {
  const leads = gauge('task_leader', '1 on the replica that runs the task', ['task'])
  const logger = () => log ?? currentLog()
  let ending = new AbortController()
  let running: Promise<void> | undefined

  const campaign = async (signal: AbortSignal) => {
    while (!signal.aborted) {
      await lead(signal).catch((error) => logger().warn({ err: error, task: name }, 'leadership lost'))
      await sleep(checkMs * (0.8 + Math.random() * 0.4), signal)
    }
  }

  const lead = async (signal: AbortSignal) => {
    const connection = await borrowConnection(db.sequelize)
    const { client } = connection
    let held = false
    let broken = true
    try {
      const lock = `select pg_try_advisory_lock(hashtext('task ' || current_schema()), hashtext($1)) as held`
      held = (await client.query<{ held: boolean }>(lock, [name])).rows[0]?.held === true
      if (held) await rule(client, signal)
      if (held) await client.query('select pg_advisory_unlock_all()')
      broken = false
    } finally {
      leads.set({ task: name }, 0)
      if (broken) await connection.destroy()
      else connection.release()
    }
  }

  const rule = async (client: pg.Client, signal: AbortSignal) => {
    leads.set({ task: name }, 1)
    logger().info({ task: name }, 'leads')
    await task.start()
    try {
      while (!signal.aborted) {
        await sleep(checkMs, signal)
        await withTimeout(5_000, 'no answer from the connection that holds the lock', client.query('select 1'))
      }
    } finally {
      await task.stop()
    }
  }

  return {
    name,
    start: () => {
      if (running) return
      ending = new AbortController()
      running = campaign(ending.signal)
    },
    stop: async () => {
      ending.abort()
      await running
      running = undefined
    },
  }
}
