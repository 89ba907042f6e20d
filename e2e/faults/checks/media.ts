import { createHash } from 'node:crypto'
import { connectDb } from '@clientele/platform/data/db'
import { testLog } from '@clientele/platform/testing/service'
import { createCleanup } from '../../../media-service/src/media/media.cleanup.ts'
import { defineMedia } from '../../../media-service/src/media/media.model.ts'
import { createRemoval } from '../../../media-service/src/media/media.removal.ts'
import { mediaIdOf } from '../../../media-service/src/media/media-keys.ts'
import { createFolderStore } from '../../../media-service/src/storage/folder-store.ts'
import { valueFor } from '../../services.ts'
import type { FaultSystem } from '../fault-system.ts'
import type { Ledger } from '../ledger.ts'
import type { Query } from './query.ts'

const maxErrors = 20
const parallel = 8
const twoDaysMs = 48 * 3_600_000

const forEachConcurrently = async <T>(items: readonly T[], work: (item: T) => Promise<void>): Promise<void> => {
  const left = [...items]
  const worker = async () => {
    for (let item = left.pop(); item !== undefined; item = left.pop()) await work(item)
  }
  await Promise.all(Array.from({ length: parallel }, worker))
}

/** Downloads every acknowledged upload and every photo of a customer through the gateway and compares hashes. */
export const checkMediaContent = async (
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
  const errors: string[] = []
  const wanted = [...ledger.uploads, ...shown.map(({ id }) => ({ id, sha256: hashOf.get(id) ?? 'no row' }))]
  await forEachConcurrently(wanted, async ({ id, sha256 }) => {
    const response = await fetch(`${system.gateway}/v1/media/${id}/content`, {
      headers: { authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(20_000),
    })
    const bytes = Buffer.from(await response.arrayBuffer())
    const hash = createHash('sha256').update(bytes).digest('hex')
    if (response.status !== 200 || hash !== sha256) errors.push(`${id}: ${response.status}, ${bytes.length} bytes`)
  })
  return errors.slice(0, maxErrors)
}

/** Runs the media cleanup as if two days had passed. Then finds objects without a row, rows without an object, lost photos. */
export const checkCleanup = async (system: FaultSystem, query: Query): Promise<string[]> => {
  const db = await connectDb(valueFor(system.databases, 'media-service').config, 'media')
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
  const errors: string[] = []
  for await (const { key } of store.list('')) {
    const id = mediaIdOf(key)
    if (id === undefined || !alive.has(id)) errors.push(`object ${key} has no row`)
    else if (key.endsWith('.original')) originals.add(id)
  }
  for (const id of alive) if (!originals.has(id)) errors.push(`row ${id} has no object`)
  const shown = await query<{ id: string }>(
    'customer-service',
    'select distinct photo_media_id as id from customers where photo_media_id is not null',
    [],
  )
  for (const { id } of shown) if (!alive.has(id)) errors.push(`photo ${id} belongs to a customer but was removed`)
  return errors.slice(0, maxErrors)
}
