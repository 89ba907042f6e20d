import { readdirSync, readFileSync } from 'node:fs'

/** The current and the peak resident memory of a process in MB; undefined if it has ended. */
const readMemory = (pid: number): { now: number; peak: number } | undefined => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const read = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024
    return { now: read('VmRSS'), peak: read('VmHWM') }
  } catch {
    return undefined
  }
}

/** The ids of the child processes of `pid`. */
export const childPids = (pid: number): number[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

const sampleEveryMs = 50

/** Samples the memory of processes every 50 ms, in groups by name. A group may change while it is watched. */
export const watchMemory = (processes: Record<string, () => number[]>) => {
  const peaks = new Map<string, number>()
  const sample = () => {
    for (const [name, pids] of Object.entries(processes)) {
      for (const pid of pids()) peaks.set(name, Math.max(peaks.get(name) ?? 0, readMemory(pid)?.peak ?? 0))
    }
  }
  const timer = setInterval(sample, sampleEveryMs)
  return {
    /** The highest memory that any process of that group ever used, in MB. */
    peak: (name: string): number => peaks.get(name) ?? Number.NaN,
    /** The current memory of all processes of that group, in MB. */
    now: (name: string): number =>
      (processes[name]?.() ?? []).reduce((sum, pid) => sum + (readMemory(pid)?.now ?? 0), 0),
    stop: () => clearInterval(timer),
  }
}
