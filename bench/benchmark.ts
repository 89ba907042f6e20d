/** One measured figure. `target` is its limit; figures without one are informative. */
export type Figure = {
  what: string
  value: number
  unit: '×' | 'µs' | 'ms' | 's' | 'MB' | '/s' | ''
  target?: { atMost: number } | { atLeast: number }
}

/** A benchmark. `run` starts what it measures, seeds it with the same data each time, and stops it. */
export type Benchmark = {
  name: string
  /** What is compared with what, in a few sentences. */
  about: string
  run(bench: BenchmarkContext): Promise<Figure[]>
}

/** `log` prints progress. */
export type BenchmarkContext = { log(text: string): void }

/** Whether a figure meets its target. One without a target always does. */
export const isMet = ({ value, target }: Figure): boolean =>
  !target || ('atMost' in target ? value <= target.atMost : value >= target.atLeast)
