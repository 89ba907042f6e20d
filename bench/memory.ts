import { readdirSync, readFileSync } from 'node:fs'

/** MB that a process holds and the most it ever held; undefined where it has ended. */
const heldBy = (pid: number): { now: number; peak: number } | undefined => {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8')
    const read = (field: string) => Number(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) / 1024
    return { now: read('VmRSS'), peak: read('VmHWM') }
  } catch {
    return undefined
  }
}

/** The processes that `pid` started. */
export const childrenOf = (pid: number): number[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

const everyMs = 50

/** Looks at processes by name all the time, also at those that come and go. */
export const watchMemory = (processes: Record<string, () => number[]>) => {
  const peaks = new Map<string, number>()
  const look = () => {
    for (const [name, pids] of Object.entries(processes)) {
      for (const pid of pids()) peaks.set(name, Math.max(peaks.get(name) ?? 0, heldBy(pid)?.peak ?? 0))
    }
  }
  const timer = setInterval(look, everyMs)
  return {
    /** The most that any process of that name ever held, in MB. */
    peak: (name: string): number => peaks.get(name) ?? Number.NaN,
    /** What all processes of that name hold now. */
    now: (name: string): number => (processes[name]?.() ?? []).reduce((sum, pid) => sum + (heldBy(pid)?.now ?? 0), 0),
    stop: () => clearInterval(timer),
  }
}
