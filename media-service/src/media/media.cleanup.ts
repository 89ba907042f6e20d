import { systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { leader } from '@clientele/platform/data/leader-election'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import { Op } from 'sequelize'
import type { Store, StoredObject } from '../storage/store.ts'
import type { MediaModel, MediaTable } from './media.model.ts'
import type { Removal } from './media.removal.ts'
import { mediaIdOf } from './media-keys.ts'

type Deps = { db: Db; model: MediaTable; store: Store; removal: Removal; log: Log; now?: () => number }

const hour = 3_600_000
const unusedMs = 24 * hour
/** Longer than any upload takes. */
const passingMs = hour
const tombstoneDays = 30
const slice = 200
const actor = systemActor('media-service')

/** Removes what nobody shows and what was left behind. Every step bears being cut short or run twice. */
export const createCleanup = ({ db, model, store, removal, log, now = Date.now }: Deps) => {
  /** Media that nothing has shown for a day after its upload. */
  const removeUnused = async (signal: AbortSignal) => {
    const sql = `select id from media where deleted_at is null and created_at < $1
      and not exists (select 1 from media_usages where media_usages.media_id = media.id) order by created_at limit ${slice}`
    let removed: string[]
    do {
      const found = await db.query<{ id: string }>(sql, [new Date(now() - unusedMs)])
      const ids = found.map(({ id }) => id)
      removed = await db.transaction((tx) => removal.unused(ids, 'unused', actor, tx))
    } while (removed.length > 0 && !signal.aborted)
  }

  /** Objects of deleted media that could not be removed at once. */
  const clearDeleted = async (signal: AbortSignal) => {
    const where = { deletedAt: { [Op.ne]: null }, clearedAt: null }
    let found: MediaModel[]
    do {
      found = await model.findAll({ attributes: ['id'], where, order: ['deletedAt'], limit: slice })
      for (const { id } of found) await removal.clear(id)
    } while (found.length === slice && !signal.aborted)
  }

  const removeUnowned = async (objects: StoredObject[]): Promise<void> => {
    const owners = objects.map(({ key }) => mediaIdOf(key)).filter((id) => id !== undefined)
    const found = await model.findAll({ attributes: ['id'], where: { id: owners, deletedAt: null } })
    const alive = new Set(found.map(({ id }) => id))
    const orphans = objects.filter(({ key }) => !alive.has(mediaIdOf(key) ?? ''))
    for (const { key } of orphans) await store.remove(key)
    if (orphans.length > 0) log.info({ objects: orphans.length }, 'orphans removed')
  }

  /** Objects without a row: of uploads and processes that broke off. */
  const removeOrphans = async (signal: AbortSignal) => {
    let batch: StoredObject[] = []
    for await (const object of store.list('')) {
      if (signal.aborted) return
      if (object.modifiedAt > now() - (mediaIdOf(object.key) === undefined ? passingMs : unusedMs)) continue
      batch.push(object)
      if (batch.length < slice) continue
      await removeUnowned(batch)
      batch = []
    }
    await removeUnowned(batch)
  }

  const removeTombstones = async () => {
    const clearedAt = { [Op.lt]: new Date(now() - tombstoneDays * 24 * hour) }
    await model.destroy({ where: { clearedAt }, limit: 5_000 })
  }

  return async (signal: AbortSignal): Promise<void> => {
    await removeUnused(signal)
    await clearDeleted(signal)
    await removeOrphans(signal)
    await removeTombstones()
  }
}

/** The cleanup as a task of one replica. */
export const cleanupTask = ({
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
