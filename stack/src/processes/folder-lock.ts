import { mkdirSync, rmSync, statSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

/** Runs `work` while it holds a lock between processes: the folder `lock`. @throws Error after 15 minutes of waiting */
export const withFolderLock = async <T>(lock: string, work: () => Promise<T>): Promise<T> => {
  const end = Date.now() + 900_000
  for (;;) {
    try {
      mkdirSync(lock)
      break
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      // A lock of that age was left by a process that died.
      const { mtimeMs } = statSync(lock, { throwIfNoEntry: false }) ?? { mtimeMs: Date.now() }
      if (Date.now() - mtimeMs > 600_000) rmSync(lock, { recursive: true, force: true })
      if (Date.now() > end)
        throw new Error(`another process holds the lock ${lock}: remove the folder if there is no such process`)
      await pause(500)
    }
  }
  try {
    return await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}
