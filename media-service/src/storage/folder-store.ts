import { access, constants, mkdir, open, opendir, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { newId } from '@clientele/platform/data/db'
import { type Store, validateKey } from './store.ts'

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT'
const unlessMissing = (error: unknown): undefined => {
  if (!isMissing(error)) throw error
}

const syncFolder = async (path: string): Promise<void> => {
  const folder = await open(path, 'r')
  await folder.sync().finally(() => folder.close())
}

/** Stores objects as files below `root`. A file is written in `root/part` and moved to its key when it is complete. */
export const createFolderStore = (root: string): Store => {
  const base = resolve(root)
  const pathOf = (key: string): string => join(base, ...validateKey(key).split('/'))

  async function* walk(folder: string): AsyncGenerator<{ key: string; modifiedAt: number }> {
    const entries = await opendir(folder).catch(unlessMissing)
    if (!entries) return
    for await (const entry of entries) {
      const path = join(folder, entry.name)
      if (entry.isDirectory()) yield* walk(path)
      const file = entry.isFile() ? await stat(path).catch(unlessMissing) : undefined
      if (file) yield { key: relative(base, path).split(sep).join('/'), modifiedAt: file.mtimeMs }
    }
  }

  return {
    write: async (key, source, { signal }) => {
      const path = pathOf(key)
      const part = join(base, 'part', newId())
      await mkdir(dirname(part), { recursive: true })
      // Opened here and not by a stream: a stream opens its file later, and could create it after the removal below.
      const file = await open(part, 'wx', 0o640)
      try {
        await pipeline(source, file.createWriteStream({ flush: true }), { signal })
        await mkdir(dirname(path), { recursive: true })
        await rename(part, path)
        await syncFolder(dirname(path))
      } finally {
        await file.close()
        await rm(part, { force: true })
      }
    },
    read: async (key, range) => {
      const file = await open(pathOf(key), 'r').catch(unlessMissing)
      return file?.createReadStream({ ...range, highWaterMark: 256 * 1024 })
    },
    remove: (key) => rm(pathOf(key), { force: true }),
    list: (prefix) => walk(prefix === '' ? base : pathOf(prefix)),
    ping: async () => {
      await mkdir(base, { recursive: true })
      await access(base, constants.R_OK | constants.W_OK)
    },
  }
}
