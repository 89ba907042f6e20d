import { systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { leader } from '@clientele/platform/data/leader-election'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import type { Store, StoredObject } from '../storage/store.ts'
import type { Removal } from './media.removal.ts'
import { mediaIdOf } from './media-keys.ts'

type Deps = { db: Db; store: Store; removal: Removal; log: Log; now?: () => number }

const hour = 3_600_000
const unusedMs = 24 * hour
/** Longer than any upload takes. */
const passingMs = hour
const tombstoneDays = 30
const slice = 200
const actor = systemActor('media-service')

/** Removes what nobody shows and what was left behind. Every step bears being cut short or run twice. */
export const createSweep = ({ db, store, removal, log, now = Date.now }: Deps) => {
  const ids = async (sql: string, values: unknown[]): Promise<string[]> =>
    (await db.query<{ id: string }>(sql, values)).map(({ id }) => id)

  /** Media that nothing has shown for a day after its upload. */
  const sweepUnused = async (signal: AbortSignal) => {
    const sql = `select id from media where deleted_at is null and created_at < $1
      and not exists (select 1 from media_usages where media_usages.media_id = media.id) order by created_at limit ${slice}`
    let removed: string[]
    do {
      const found = await ids(sql, [new Date(now() - unusedMs)])
      removed = await db.transaction((tx) => removal.unused(found, 'unused', actor, tx))
    } while (removed.length > 0 && !signal.aborted)
  }

  /** Objects of deleted media that could not be removed at once. */
  const sweepUncleared = async (signal: AbortSignal) => {
    const sql = `select id from media where deleted_at is not null and cleared_at is null order by deleted_at limit ${slice}`
    let found: string[]
    do {
      found = await ids(sql, [])
      for (const id of found) await removal.clear(id)
    } while (found.length === slice && !signal.aborted)
  }

  const removeOrphans = async (objects: StoredObject[]): Promise<void> => {
    const owners = objects.map(({ key }) => mediaIdOf(key)).filter((id) => id !== undefined)
    const alive = new Set(await ids('select id from media where id = any($1::uuid[]) and deleted_at is null', [owners]))
    const orphans = objects.filter(({ key }) => !alive.has(mediaIdOf(key) ?? ''))
    for (const { key } of orphans) await store.remove(key)
    if (orphans.length > 0) log.info({ objects: orphans.length }, 'orphans removed')
  }

  /** Objects without a row: of uploads and processes that broke off. */
  const sweepOrphans = async (signal: AbortSignal) => {
    let batch: StoredObject[] = []
    for await (const object of store.list('')) {
      if (signal.aborted) return
      if (object.modifiedAt > now() - (mediaIdOf(object.key) === undefined ? passingMs : unusedMs)) continue
      batch.push(object)
      if (batch.length < slice) continue
      await removeOrphans(batch)
      batch = []
    }
    await removeOrphans(batch)
  }

  const forgetTombstones = async () => {
    await db.query(`delete from media where id in (select id from media where cleared_at < $1 limit 5000)`, [
      new Date(now() - tombstoneDays * 24 * hour),
    ])
  }

  return async (signal: AbortSignal): Promise<void> => {
    await sweepUnused(signal)
    await sweepUncleared(signal)
    await sweepOrphans(signal)
    await forgetTombstones()
  }
}

/** The sweep as a task of one replica. */
export const sweepTask = ({
  db,
  log,
  intervalMs,
  run,
}: {
  db: Db
  log: Log
  intervalMs: number
  run: (signal: AbortSignal) => Promise<void>
}): Task =>
  leader({ db, name: 'media-sweep', log, task: every({ name: 'media-sweep', intervalMs, log, runAtStart: true, run }) })
