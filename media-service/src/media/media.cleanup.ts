import { systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { leaderTask } from '@clientele/platform/data/leader-election'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { Op } from 'sequelize'
import type { Store, StoredObject } from '../storage/store.ts'
import type { MediaModel, MediaTable } from './media.model.ts'
import type { Removal } from './media.removal.ts'
import { mediaIdOf } from './media-keys.ts'

type Deps = { db: Db; model: MediaTable; store: Store; removal: Removal; log: Log; now?: () => number }

const hourMs = 3_600_000
const unusedMaxAgeMs = 24 * hourMs
/** Temporary objects are removed after this time. No upload takes that long. */
const incomingMaxAgeMs = hourMs
const deletedRowDays = 30
const batchSize = 200
const actor = systemActor('media-service')

/**
 * Removes unused images, objects of deleted images, objects without a row, and old rows of deleted images. Each step may be
 * interrupted or run twice.
 */
export const createCleanup = ({ db, model, store, removal, log, now = Date.now }: Deps) => {
  /** Deletes images that nothing shows, a day after their upload. */
  const removeUnused = async (signal: AbortSignal) => {
    const sql = `select id from media where deleted_at is null and created_at < $1
      and not exists (select 1 from media_usages where media_usages.media_id = media.id) order by created_at limit ${batchSize}`
    let removed: string[]
    do {
      const found = await db.query<{ id: string }>(sql, [new Date(now() - unusedMaxAgeMs)])
      const ids = found.map(({ id }) => id)
      removed = await db.transaction((tx) => removal.removeUnused(ids, 'unused', actor, tx))
    } while (removed.length > 0 && !signal.aborted)
  }

  /** Removes objects of deleted images that could not be removed at the deletion. */
  const removeDeletedObjects = async (signal: AbortSignal) => {
    const where = { deletedAt: { [Op.ne]: null }, clearedAt: null }
    let found: MediaModel[]
    do {
      found = await model.findAll({ attributes: ['id'], where, order: ['deletedAt'], limit: batchSize })
      for (const { id } of found) await removal.removeObjects(id)
    } while (found.length === batchSize && !signal.aborted)
  }

  const removeOrphansOf = async (objects: StoredObject[]): Promise<void> => {
    const owners = objects.map(({ key }) => mediaIdOf(key)).filter((id) => id !== undefined)
    const found = await model.findAll({ attributes: ['id'], where: { id: owners, deletedAt: null } })
    const alive = new Set(found.map(({ id }) => id))
    const orphans = objects.filter(({ key }) => !alive.has(mediaIdOf(key) ?? ''))
    for (const { key } of orphans) await store.remove(key)
    if (orphans.length > 0) log.info({ objects: orphans.length }, 'objects without a row removed')
  }

  /** Removes objects without a row. They come from aborted uploads and killed processes. */
  const removeOrphans = async (signal: AbortSignal) => {
    let batch: StoredObject[] = []
    for await (const object of store.list('')) {
      if (signal.aborted) return
      if (object.modifiedAt > now() - (mediaIdOf(object.key) === undefined ? incomingMaxAgeMs : unusedMaxAgeMs))
        continue
      batch.push(object)
      if (batch.length < batchSize) continue
      await removeOrphansOf(batch)
      batch = []
    }
    await removeOrphansOf(batch)
  }

  /** Removes rows of deleted images. Until then, a late reference gets the event `missing` with the right version. */
  const removeOldRows = async () => {
    const clearedAt = { [Op.lt]: new Date(now() - deletedRowDays * 24 * hourMs) }
    await model.destroy({ where: { clearedAt }, limit: 5_000 })
  }

  return async (signal: AbortSignal): Promise<void> => {
    await removeUnused(signal)
    await removeDeletedObjects(signal)
    await removeOrphans(signal)
    await removeOldRows()
  }
}

/** The task that runs the cleanup, in one replica at a time. */
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
  leaderTask({
    db,
    name: 'media-sweep',
    log,
    task: periodicTask({ name: 'media-sweep', intervalMs, log, runAtStart: true, run }),
  })
