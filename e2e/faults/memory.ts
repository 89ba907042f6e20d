import { readFileSync } from 'node:fs'
import type { Replica } from './replica.ts'

/** The resident memory of one process, in MB; `born` tells a process from the one before it. */
export type Sample = { at: number; name: string; born: number; mb: number }

const residentOf = (pid: number): number | undefined => {
  try {
    const kb = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]
    return kb === undefined ? undefined : Number(kb) / 1024
  } catch {
    return undefined
  }
}

/** Looks at all replicas every `everyMs` until stopped. */
export const watchMemory = (replicas: readonly Replica[], everyMs: number) => {
  const samples: Sample[] = []
  const look = () => {
    for (const replica of replicas) {
      const pid = replica.pid()
      const mb = pid === 0 ? undefined : residentOf(pid)
      if (mb !== undefined) samples.push({ at: Date.now(), name: replica.name, born: replica.startedAt(), mb })
    }
  }
  const timer = setInterval(look, everyMs)
  return {
    samples,
    stop: () => {
      look()
      clearInterval(timer)
    },
  }
}

const median = (values: number[]): number => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0

/** The median of the slopes between all pairs (Theil and Sen): single peaks of a garbage collection do not move it. */
export const slopeOf = (points: readonly { x: number; y: number }[]): number =>
  median(
    points.flatMap((a, index) => points.slice(index + 1).map((b) => (b.x === a.x ? 0 : (b.y - a.y) / (b.x - a.x)))),
  )

export type Curve = { name: string; minutes: number; first: number; median: number; most: number; perMinute: number }

/** The curve of each process from `since` on; processes that were started later have none. */
export const curvesOf = (samples: readonly Sample[], since: number): Curve[] =>
  [...Map.groupBy(samples, ({ name }) => name)].flatMap(([name, all]) => {
    const last = all.at(-1)
    const own = all.filter(({ at, born }) => at >= since && born === last?.born)
    const [first] = own
    if (!first || !last || first.born > since) return []
    const points = own.map(({ at, mb }) => ({ x: at / 60_000, y: mb }))
    const sizes = own.map(({ mb }) => mb)
    return [
      {
        name,
        minutes: (last.at - first.at) / 60_000,
        first: first.mb,
        median: median(sizes),
        most: Math.max(...sizes),
        perMinute: slopeOf(points),
      },
    ]
  })
