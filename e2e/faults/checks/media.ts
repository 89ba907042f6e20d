import { createHash } from 'node:crypto'
import { connectDb } from '@clientele/platform/data/db'
import { testLog } from '@clientele/platform/testing/service'
import { createCleanup } from '../../../media-service/src/media/media.cleanup.ts'
import { defineMedia } from '../../../media-service/src/media/media.model.ts'
import { createRemoval } from '../../../media-service/src/media/media.removal.ts'
import { mediaIdOf } from '../../../media-service/src/media/media-keys.ts'
import { createFolderStore } from '../../../media-service/src/storage/folder-store.ts'
import { at } from '../../services.ts'
import type { Ledger } from '../ledger.ts'
import type { FaultSystem } from '../system.ts'
import type { Query } from './query.ts'

const most = 20
const parallel = 8
const twoDaysMs = 48 * 3_600_000

const inLanes = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  const left = [...items]
  const lane = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: parallel }, lane))
}

/** Every acknowledged upload, and every photo that a customer shows, can be read through the gateway as it was stored. */
export const unreadable = async (
  system: FaultSystem,
  query: Query,
  ledger: Ledger,
  token: string,
): Promise<string[]> => {
  const stored = await query<{ id: string; sha256: string }>('media-service', 'select id, sha256 from media', [])
  const hashOf = new Map(stored.map(({ id, sha256 }) => [id, sha256]))
  const shown = await query<{ id: string }>(
    'customer-service',
    'select distinct photo_media_id as id from customers where photo_media_id is not null',
    [],
  )
  const faults: string[] = []
  const wanted = [...ledger.uploads, ...shown.map(({ id }) => ({ id, sha256: hashOf.get(id) ?? 'no row' }))]
  await inLanes(wanted, async ({ id, sha256 }) => {
    const response = await fetch(`${system.gateway}/v1/media/${id}/content`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(20_000),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    const hash = createHash('sha256').update(bytes).digest('hex')
    if (response.status !== 200 || hash !== sha256) faults.push(`${id}: ${response.status}, ${bytes.length} bytes`)
  })
  return faults.slice(0, most)
}

/** Sweeps as if two days had passed; then objects without a row, rows without an object and shown photos that went along. */
export const sweepFaults = async (system: FaultSystem, query: Query): Promise<string[]> => {
  const db = await connectDb(at(system.databases, 'media-service').config, 'media')
  const store = createFolderStore(system.media)
  try {
    const log = testLog()
    const model = defineMedia(db.sequelize)
    const cleanup = createCleanup({
      db,
      model,
      store,
      removal: createRemoval({ db, model, store }),
      log,
      now: () => Date.now() + twoDaysMs,
    })
    await cleanup(new AbortController().signal)
  } finally {
    await db.close()
  }
  const rows = await query<{ id: string }>('media-service', 'select id from media where deleted_at is null', [])
  const alive = new Set(rows.map(({ id }) => id))
  const originals = new Set<string>()
  const faults: string[] = []
  for await (const { key } of store.list('')) {
    const id = mediaIdOf(key)
    if (id === undefined || !alive.has(id)) faults.push(`object ${key} has no row`)
    else if (key.endsWith('.original')) originals.add(id)
  }
  for (const id of alive) if (!originals.has(id)) faults.push(`row ${id} has no object`)
  const shown = await query<{ id: string }>(
    'customer-service',
    'select distinct photo_media_id as id from customers where photo_media_id is not null',
    [],
  )
  for (const { id } of shown) if (!alive.has(id)) faults.push(`photo ${id} is shown and was swept`)
  return faults.slice(0, most)
}
