import { mkdirSync, rmSync, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** Runs `work` while the folder `lock` stands for it; other processes that ask for the same one wait. */
export const withFolderLock = async <T>(lock: string, work: () => Promise<T>): Promise<T> => {
  const end = Date.now() + 900_000
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      // A lock as old as that was left by a process that died.
      const { mtimeMs } = statSync(lock, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() }
      if (Date.now() - mtimeMs > 600_000) rmSync(lock, { recursive: true, force: true })
      if (Date.now() > end) throw new Error(`${lock} is held by another start: remove it if there is none`)
      await pause(500)
    }
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}
