/** One measured figure. `target` bounds it where there is one to keep; figures without one are for reading. */
export type Figure = {
  what: string
  value: number
  unit: '×' | 'µs' | 'ms' | 's' | 'MB' | '/s' | ''
  target?: { atMost: number } | { atLeast: number }
}

/** A part of the benchmark: it brings up what it measures, seeds it the same way each time, and stops it. */
export type Part = {
  name: string
  /** What is compared with what, in a sentence or two. */
  about: string
  run(bench: Bench): Promise<Figure[]>
}

/** What a part gets: `say` shows progress. */
export type Bench = { say(text: string): void }

/** Whether a figure keeps its target; one without a target always does. */
export const isKept = ({ value, target }: Figure): boolean =>
  !target || ('atMost' in target ? value <= target.atMost : value >= target.atLeast)
