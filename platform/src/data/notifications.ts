import { currentLog, type Log } from '../runtime/log.ts'
import type { Task } from '../runtime/periodic-task.ts'
import { gauge } from '../runtime/telemetry.ts'
import { sleep, withTimeout } from '../runtime/timeout.ts'
import { borrowConnection } from './connection.ts'
import type { Db } from './database.ts'

type ListenOptions = {
  db: Db
  /** The channel of PostgreSQL, which is common to all schemas of a database. */
  channel: string
  /** Called for each notification, and when the connection is made, since those before it are lost. */
  onNotify(): void
  /** The interval, in ms, at which the connection is checked. Default 15 s. */
  checkMs?: number
  log?: Log
}

const retryMs = 1_000

/**
 * Creates a task that listens to the notifications of a channel (`pg_notify`). It holds one connection of the pool, and takes another
 * one when it breaks. Notifications are only hints, because those during an interruption are lost: poll as well.
 */
export const listenTask = ({ db, channel, onNotify, checkMs = 15_000, log }: ListenOptions): Task => {
  if (!/^[a-z_]+$/.test(channel)) throw new Error(`${channel} is not the name of a channel`)
  const listening = gauge('database_listening', '1 while notifications of the channel arrive, else 0', ['channel'])
  let stopController = new AbortController()
  let running: Promise<void> | undefined

  /** Listens until `signal` aborts. Rejects when the connection breaks. */
  const listen = async (signal: AbortSignal): Promise<void> => {
    const connection = await borrowConnection(db.sequelize)
    const { client } = connection
    const closed = new AbortController()
    const onEnd = () => closed.abort()
    const either = AbortSignal.any([signal, closed.signal])
    let broken = true
    try {
      client.once('end', onEnd)
      client.on('notification', onNotify)
      await client.query(`listen ${channel}`)
      listening.set({ channel }, 1)
      onNotify()
      while (!signal.aborted) {
        await sleep(checkMs, either)
        await withTimeout(5_000, 'the connection does not respond', client.query('select 1'))
      }
      await client.query(`unlisten ${channel}`)
      broken = false
    } finally {
      listening.set({ channel }, 0)
      client.off('notification', onNotify).off('end', onEnd)
      if (broken) await connection.destroy()
      else connection.release()
    }
  }

  const loop = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      await listen(signal).catch((error: unknown) => {
        if (!signal.aborted) (log ?? currentLog()).warn({ err: error, channel }, 'listening failed, trying again')
      })
      await sleep(retryMs, signal)
    }
  }

  return {
    name: `listen ${channel}`,
    start: () => {
      if (running) return
      stopController = new AbortController()
      running = loop(stopController.signal)
    },
    stop: async () => {
      stopController.abort()
      await running
      running = undefined
    },
  }
}
