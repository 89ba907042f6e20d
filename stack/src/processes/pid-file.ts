import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** A recorded process. `birth` is its start time: it differs for a later process with the same id. */
export type ProcessRecord = { name: string; pid: number; birth: string; url?: string }

/** The start time of a process, as text to compare; undefined if there is no such process. */
export const birthOf = (pid: number): string | undefined => {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    return fields[0] === 'Z' ? undefined : fields[19]
  } catch {
    return process.platform === 'linux' ? undefined : birthFromPs(pid)
  }
}

const birthFromPs = (pid: number): string | undefined => {
  try {
    return (
      execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { timeout: 5000, encoding: 'utf8' }).trim() || undefined
    )
  } catch {
    return undefined
  }
}

export const isAlive = (record: ProcessRecord): boolean => birthOf(record.pid) === record.birth

export const writeRecord = (folder: string, name: string, pid: number, url?: string): ProcessRecord => {
  mkdirSync(folder, { recursive: true })
  const record: ProcessRecord = { name, pid, birth: birthOf(pid) ?? 'gone', ...(url ? { url } : {}) }
  writeFileSync(join(folder, `${name}.json`), JSON.stringify(record))
  return record
}

export const removeRecord = (folder: string, name: string): void =>
  rmSync(join(folder, `${name}.json`), { force: true })

export const readRecord = (folder: string, name: string): ProcessRecord | undefined => {
  try {
    const value: unknown = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8'))
    return isRecord(value) ? value : undefined
  } catch {
    return undefined
  }
}

export const listRecords = (folder: string): ProcessRecord[] => {
  try {
    return readdirSync(folder)
      .filter((file) => file.endsWith('.json'))
      .map((file) => readRecord(folder, file.slice(0, -'.json'.length)))
      .filter((record) => record !== undefined)
  } catch {
    return []
  }
}

const isRecord = (value: unknown): value is ProcessRecord =>
  typeof value === 'object' &&
  value !== null &&
  'pid' in value &&
  Number.isInteger(value.pid) &&
  Number(value.pid) > 1 &&
  'name' in value &&
  typeof value.name === 'string' &&
  'birth' in value &&
  typeof value.birth === 'string'
