import { readFileSync } from 'node:fs'

const ticksPerSecond = 100

/** The CPU time that a process and its threads have used so far, in µs (Linux: /proc/<pid>/stat). */
export const cpuOf = (pid: number): number => {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user = 0, system = 0] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
    .map(Number)
  return ((user + system) * 1e6) / ticksPerSecond
}

/** As {@link cpuOf}; undefined if the process has ended. */
export const cpuIfRunning = (pid: number): number | undefined => {
  try {
    return cpuOf(pid)
  } catch {
    return undefined
  }
}

/** The id of the process that started `pid`. */
export const parentPid = (pid: number): number =>
  Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0)

/** The memory of a process in MB: resident, proportional (shared pages are divided among their users) and peak resident. */
export const memoryOf = (pid: number): { resident: number; proportional: number; peak: number } => {
  const read = (file: string, field: string): number => {
    const line = readFileSync(`/proc/${pid}/${file}`, 'utf8').match(new RegExp(`^${field}:\\s+(\\d+) kB`, 'm'))
    return Number(line?.[1] ?? Number.NaN) / 1024
  }
  return {
    resident: read('smaps_rollup', 'Rss'),
    proportional: read('smaps_rollup', 'Pss'),
    peak: read('status', 'VmHWM'),
  }
}
