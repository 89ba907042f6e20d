import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Replica } from './replica.ts'

type WatchedProcess = Pick<Replica, 'name' | 'pid' | 'startedAt'>

/** The resident memory of one process in MB. `startedAt` differs after a restart. */
export type Sample = { at: number; name: string; startedAt: number; mb: number }

const gcMs = 2_000

const residentMb = (pid: number): number | undefined => {
  try {
    const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kb === undefined ? undefined : Number(kb) / 1024
  } catch {
    return undefined
  }
}

const takeSamples = (replicas: readonly WatchedProcess[]): Sample[] =>
  replicas.flatMap((replica) => {
    const pid = replica.pid()
    const mb = pid === 0 ? undefined : residentMb(pid)
    return mb === undefined ? [] : [{ at: Date.now(), name: replica.name, startedAt: replica.startedAt(), mb }]
  })

/**
 * Samples the memory of all replicas every `everyMs` until stopped. `afterGc` holds the samples after forced garbage
 * collections: between collections V8 lets a heap grow for minutes, which a slope cannot tell from a leak.
 */
export const watchMemory = (replicas: readonly WatchedProcess[], everyMs: number) => {
  const samples: Sample[] = []
  const afterGc: Sample[] = []
  const timer = setInterval(() => samples.push(...takeSamples(replicas)), everyMs)
  return {
    samples,
    afterGc,
    collectGarbage: async (): Promise<void> => {
      for (const replica of replicas) if (replica.pid() !== 0) process.kill(replica.pid(), 'SIGUSR2')
      await pause(gcMs)
      afterGc.push(...takeSamples(replicas))
    },
    stop: () => {
      samples.push(...takeSamples(replicas))
      clearInterval(timer)
    },
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

export type MemoryCurve = { name: string; minutes: number; first: number; median: number; max: number }

/** The memory curve of each process since `since`. Processes that were started later are left out. */
export const memoryCurves = (samples: readonly Sample[], since: number): MemoryCurve[] =>
  [...Map.groupBy(samples, ({ name }) => name)].flatMap(([name, all]) => {
    const last = all.at(-1)
    const current = all.filter(({ at, startedAt }) => at >= since && startedAt === last?.startedAt)
    const [first] = current
    if (!first || !last || first.startedAt > since) return []
    const sizes = current.map(({ mb }) => mb)
    return [
      {
        name,
        minutes: (last.at - first.at) / 60_000,
        first: first.mb,
        median: median(sizes),
        max: Math.max(...sizes),
      },
    ]
  })

/** MB that a process held after the first and after the last garbage collection. */
export type Growth = { name: string; from: number; to: number; perMinute: number }

/** The growth of each process. Processes that were restarted between the collections are left out. */
export const memoryGrowth = (afterGc: readonly Sample[]): Growth[] =>
  [...Map.groupBy(afterGc, ({ name }) => name)].flatMap(([name, all]) => {
    const [first, last] = [all[0], all.at(-1)]
    if (!first || !last || first === last || first.startedAt !== last.startedAt) return []
    const perMinute = (last.mb - first.mb) / ((last.at - first.at) / 60_000)
    return [{ name, from: first.mb, to: last.mb, perMinute }]
  })
