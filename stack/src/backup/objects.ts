import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { mkdir, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { mediaIdOf, variantKey } from '@clientele/media-service/media/media-keys'
import type { Store } from '@clientele/media-service/storage/store'
import type pg from 'pg'

/** An object that a row of the table `media` refers to. */
export type ReferencedObject = { key: string; sha256: string; bytes: number; contentType: string }

type Row = {
  id: string
  mimeType: string
  sha256: string
  bytes: number
  variants: { [name in 'medium' | 'thumb']?: { sha256: string; bytes: number } }
}

const pageSize = 2_000
const rowsAfter = `select id, mime_type as "mimeType", sha256, bytes, variants from media
where deleted_at is null and id > $1 order by id limit ${pageSize}`

/** Yields every object that the store must have, by the rows that the session sees. */
export async function* referencedObjects(media: pg.Client): AsyncGenerator<ReferencedObject> {
  for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
    const { rows } = await media.query<Row>(rowsAfter, [after])
    for (const { id, mimeType, sha256, bytes, variants } of rows) {
      yield { key: variantKey(id, 'original'), sha256, bytes, contentType: mimeType }
      for (const name of ['medium', 'thumb'] as const) {
        const variant = variants[name]
        if (variant) yield { key: variantKey(id, name), ...variant, contentType: 'image/webp' }
      }
    }
    if (rows.length < pageSize) return
    after = rows.at(-1)?.id ?? after
  }
}

const concurrency = 8

/** Calls `work` for each item of `source`, a few at a time. */
export const forEachConcurrently = async <T>(
  source: AsyncIterable<T>,
  work: (item: T) => Promise<void>,
): Promise<void> => {
  const items = source[Symbol.asyncIterator]()
  const worker = async () => {
    for (let next = await items.next(); !next.done; next = await items.next()) await work(next.value)
  }
  await Promise.all(Array.from({ length: concurrency }, worker))
}

const fetchObject = async (store: Store, key: string, folder: string): Promise<boolean> => {
  const source = await store.read(key)
  if (!source) return false
  const file = join(folder, ...key.split('/'))
  await mkdir(dirname(file), { recursive: true, mode: 0o700 })
  await pipeline(source, createWriteStream(`${file}.part`, { mode: 0o600 }))
  await rename(`${file}.part`, file)
  return true
}

async function* objectKeys(store: Store): AsyncGenerator<string> {
  for await (const { key } of store.list('')) if (mediaIdOf(key) !== undefined) yield key
}

/** Saves all objects that are in the store now. */
export const saveStoredObjects = (store: Store, folder: string): Promise<void> =>
  forEachConcurrently(objectKeys(store), async (key) => void (await fetchObject(store, key, folder)))

/**
 * Completes the saved objects to those that the rows in the session's snapshot refer to: saves objects that were stored after
 * {@link saveStoredObjects}, and removes those that no row refers to.
 * @returns number and size of the objects, and the keys that neither the store nor the backup has
 */
export const saveReferencedObjects = async (store: Store, media: pg.Client, folder: string) => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const saved = new Set(
    (await readdir(folder, { recursive: true, withFileTypes: true }))
      .filter((entry) => entry.isFile())
      .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/')),
  )
  const missing: string[] = []
  const total = { objects: 0, bytes: 0 }
  await forEachConcurrently(referencedObjects(media), async ({ key, bytes }) => {
    if (!saved.delete(key) && !(await fetchObject(store, key, folder))) return void missing.push(key)
    total.objects += 1
    total.bytes += bytes
  })
  for (const key of saved) await rm(join(folder, ...key.split('/')))
  return { ...total, missing }
}

/** Replaces all objects in the store by the saved ones. `missing` are the keys that the backup does not have. */
export const loadObjects = async (
  store: Store,
  media: pg.Client,
  { folder, missing }: { folder: string; missing: readonly string[] },
): Promise<void> => {
  await forEachConcurrently(objectKeys(store), (key) => store.remove(key))
  await forEachConcurrently(referencedObjects(media), async ({ key, contentType }) => {
    if (missing.includes(key)) return
    await store.write(key, createReadStream(join(folder, ...key.split('/'))), { contentType, replace: true })
  })
}

/** Finds objects that are missing in the store or have another checksum than their row. `objects` is how many it checked. */
export const findObjectErrors = async (
  store: Store,
  media: pg.Client,
): Promise<{ objects: number; errors: string[] }> => {
  const errors: string[] = []
  let objects = 0
  await forEachConcurrently(referencedObjects(media), async ({ key, sha256 }) => {
    objects += 1
    const source = await store.read(key)
    if (!source) return void errors.push(`${key} is missing`)
    const hash = createHash('sha256')
    await pipeline(source, hash)
    if (hash.digest('hex') !== sha256) errors.push(`${key} has another checksum than its row`)
  })
  return { objects, errors }
}

/** Whether the store has any object. */
export const hasObjects = async (store: Store): Promise<boolean> => {
  for await (const _ of objectKeys(store)) return true
  return false
}
