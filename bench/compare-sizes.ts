import type { BenchmarkContext, Figure } from './benchmark.ts'
import type { Operation } from './operation.ts'
import { type Measurement, measureRequests, medianOf, type Step, type Target } from './requests.ts'

/** Measures each operation on both targets in turns. `targets` are the one with few rows and the one with many. */
export const compareSizes = async (
  operations: readonly Operation[],
  targets: readonly Target[],
  { few, many }: { few: string; many: string },
  bench: BenchmarkContext,
): Promise<Figure[]> => {
  const figures: Figure[] = []
  for (const { name, next, maxRatio } of operations) {
    const results: Measurement[][] = targets.map(() => [])
    const steps: ((index: number) => Step)[] = []
    for (const target of targets) steps.push(await next(target))
    for (const round of [0, 1, 2, 3])
      for (const [side, target] of targets.entries()) {
        const step = steps[side]
        if (!step) continue
        // The first round warms up the JIT compiler and is not counted.
        const measurement = await measureRequests(target, step, { ms: round === 0 ? 2_500 : 800, from: round * 10_000 })
        if (round > 0) results[side]?.push(measurement)
      }
    const of = (field: 'cpu' | 'median') => results.map((all) => medianOf(all.map((one) => one[field])))
    const [cpuFew = 0, cpuMany = 0] = of('cpu')
    const [msFew = 0, msMany = 0] = of('median')
    bench.log(
      `${name.padEnd(34)} CPU ${cpuFew.toFixed(0)} → ${cpuMany.toFixed(0)} µs, median ${msFew.toFixed(2)} → ${msMany.toFixed(2)} ms`,
    )
    figures.push(
      {
        what: `${name}: CPU with ${many} rows, relative to ${few}`,
        value: cpuMany / cpuFew,
        unit: '×',
        target: { atMost: maxRatio },
      },
      { what: `${name}: median latency with ${many} rows`, value: msMany, unit: 'ms' },
    )
  }
  return figures
}
