import { linkSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { birthOf, isAlive, type ProcessRecord, readRecord } from './pid-file.ts'

const name = 'launcher'

/** The launcher that holds the lock of this data folder, or undefined if none is alive. */
export const runningLauncher = (home: string): ProcessRecord | undefined => {
  const record = readRecord(home, name)
  return record && isAlive(record) ? record : undefined
}

/**
 * Locks the data folder for this process.
 * @returns undefined if this process holds the lock now, otherwise the launcher that holds it
 */
export const acquireLauncherLock = (home: string, url: string): ProcessRecord | undefined => {
  mkdirSync(home, { recursive: true })
  const own = join(home, `${name}.${process.pid}`)
  const file = join(home, `${name}.json`)
  writeFileSync(own, JSON.stringify({ name, pid: process.pid, birth: birthOf(process.pid), url }))
  try {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      try {
        linkSync(own, file)
        return undefined
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
      }
      const holder = runningLauncher(home)
      if (holder) return holder
      rmSync(file, { force: true })
    }
    throw new Error(`the data folder could not be locked: remove ${file} if Clientele does not run here`)
  } finally {
    rmSync(own, { force: true })
  }
}

/** Releases the lock if this process holds it. */
export const releaseLauncherLock = (home: string): void => {
  if (readRecord(home, name)?.pid === process.pid) rmSync(join(home, `${name}.json`), { force: true })
}
