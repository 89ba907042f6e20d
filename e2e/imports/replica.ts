import { readdirSync, readFileSync } from 'node:fs'

/** The processes that `pid` started. */
const childrenOf = (pid: number): number[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

const peakOf = (pid: number): number => {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Ends a service as a machine that fails does: with the process of its jobs. */
export const killJobsOf = (pid: number): void => {
  for (const child of childrenOf(pid)) process.kill(child, 'SIGKILL')
}

/** The most memory that a process of a service's jobs ever held, in MB. */
export const watchJobs = (pid: () => number) => {
  let peak = 0
  const timer = setInterval(() => {
    for (const child of childrenOf(pid())) peak = Math.max(peak, peakOf(child))
  }, 200)
  return { peak: () => peak, stop: () => clearInterval(timer) }
}
