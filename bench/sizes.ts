import { type Driven, drive, medianOf, type Step, type Target } from './drive.ts'
import type { Operation } from './operation.ts'
import type { Bench, Figure } from './part.ts'

/** Cost of each operation at both sizes, in turns; `targets` are the one with few rows and the one with many. */
export const compareSizes = async (
  operations: readonly Operation[],
  targets: readonly Target[],
  { few, many }: { few: string; many: string },
  bench: Bench,
): Promise<Figure[]> => {
  const figures: Figure[] = []
  for (const { name, next, atMost } of operations) {
    const results: Driven[][] = targets.map(() => [])
    const steps: ((index: number) => Step)[] = []
    for (const target of targets) steps.push(await next(target))
    for (const round of [0, 1, 2, 3])
      for (const [side, target] of targets.entries()) {
        const step = steps[side]
        if (!step) continue
        // The first is for the compiler: one side may have done more before than the other.
        const driven = await drive(target, step, { ms: round === 0 ? 2_500 : 800, from: round * 10_000 })
        if (round > 0) results[side]?.push(driven)
      }
    const of = (field: 'cpu' | 'median') => results.map((all) => medianOf(all.map((one) => one[field])))
    const [cpuFew = 0, cpuMany = 0] = of('cpu')
    const [msFew = 0, msMany = 0] = of('median')
    bench.say(
      `${name.padEnd(34)} CPU ${cpuFew.toFixed(0)} → ${cpuMany.toFixed(0)} µs, median ${msFew.toFixed(2)} → ${msMany.toFixed(2)} ms`,
    )
    figures.push(
      {
        what: `${name}: CPU at ${many} rows against ${few}`,
        value: cpuMany / cpuFew,
        unit: '×',
        target: { atMost },
      },
      { what: `${name}: median latency at ${many}`, value: msMany, unit: 'ms' },
    )
  }
  return figures
}
