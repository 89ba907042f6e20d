import { readFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'
import type { Replica } from './replica.ts'

type Watched = Pick<Replica, 'name' | 'pid' | 'startedAt'>

/** The resident memory of one process, in MB; `born` tells a process from the one before it. */
export type Sample = { at: number; name: string; born: number; mb: number }

const collectMs = 2_000

const residentOf = (pid: number): number | undefined => {
  try {
    const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kb === undefined ? undefined : Number(kb) / 1024
  } catch {
    return undefined
  }
}

const look = (replicas: readonly Watched[]): Sample[] =>
  replicas.flatMap((replica) => {
    const pid = replica.pid()
    const mb = pid === 0 ? undefined : residentOf(pid)
    return mb === undefined ? [] : [{ at: Date.now(), name: replica.name, born: replica.startedAt(), mb }]
  })

/**
 * Looks at all replicas every `everyMs` until stopped; `collected` is what remained after garbage collections. Between them
 * V8 lets a heap grow for minutes, and drops half of it at once: no slope tells that from a leak.
 */
export const watchMemory = (replicas: readonly Watched[], everyMs: number) => {
  const samples: Sample[] = []
  const collected: Sample[] = []
  const timer = setInterval(() => samples.push(...look(replicas)), everyMs)
  return {
    samples,
    collected,
    collect: async (): Promise<void> => {
      for (const replica of replicas) if (replica.pid() !== 0) process.kill(replica.pid(), 'SIGUSR2')
      await pause(collectMs)
      collected.push(...look(replicas))
    },
    stop: () => {
      samples.push(...look(replicas))
      clearInterval(timer)
    },
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

export type Curve = { name: string; minutes: number; first: number; median: number; most: number }

/** The curve of each process from `since` on; processes that were started later have none. */
export const curvesOf = (samples: readonly Sample[], since: number): Curve[] =>
  [...Map.groupBy(samples, ({ name }) => name)].flatMap(([name, all]) => {
    const last = all.at(-1)
    const own = all.filter(({ at, born }) => at >= since && born === last?.born)
    const [first] = own
    if (!first || !last || first.born > since) return []
    const sizes = own.map(({ mb }) => mb)
    return [
      {
        name,
        minutes: (last.at - first.at) / 60_000,
        first: first.mb,
        median: median(sizes),
        most: Math.max(...sizes),
      },
    ]
  })

/** What each process held after the first collection and after the last; none where it was started between them. */
export type Growth = { name: string; from: number; to: number; perMinute: number }

export const growthOf = (collected: readonly Sample[]): Growth[] =>
  [...Map.groupBy(collected, ({ name }) => name)].flatMap(([name, all]) => {
    const [first, last] = [all[0], all.at(-1)]
    if (!first || !last || first === last || first.born !== last.born) return []
    const perMinute = (last.mb - first.mb) / ((last.at - first.at) / 60_000)
    return [{ name, from: first.mb, to: last.mb, perMinute }]
  })
