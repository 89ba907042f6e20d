import { readdirSync, readFileSync } from 'node:fs'

/** The ids of the child processes of `pid`. */
const childPids = (pid: number): number[] => {
  try {
    return readdirSync(`/proc/${pid}/task`).flatMap((task) =>
      readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
    )
  } catch {
    return []
  }
}

const peakMb = (pid: number): number => {
  try {
    return Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** Kills the worker processes of a service, as a failing machine does. */
export const killJobProcesses = (pid: number): void => {
  for (const child of childPids(pid)) process.kill(child, 'SIGKILL')
}

/** Watches the worker processes of a service. `peak` is the highest memory that any of them used, in MB. */
export const watchJobMemory = (pid: () => number) => {
  let peak = 0
  const timer = setInterval(() => {
    for (const child of childPids(pid())) peak = Math.max(peak, peakMb(child))
  }, 200)
  return { peak: () => peak, stop: () => clearInterval(timer) }
}
