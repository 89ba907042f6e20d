import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { type Benchmark, type Figure, isMet } from './benchmark.ts'

const file = new URL('results.md', import.meta.url)

const heading = `# Benchmark results

Written by \`npm run bench -- --write\`; each benchmark replaces its own section. Compare ratios only: both sides were measured in one run on one machine. Absolute figures hold for that machine only.
`

const digits = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3))
const format = (value: number, unit: Figure['unit']): string =>
  unit === '×' || unit === '' ? `${digits(value)}${unit}` : `${digits(value)} ${unit}`

const formatTarget = ({ target, unit }: Figure): string => {
  if (!target) return ''
  return 'atMost' in target ? `≤ ${format(target.atMost, unit)}` : `≥ ${format(target.atLeast, unit)}`
}

/** Formats figures as a Markdown table. */
export const formatTable = (figures: Figure[]): string => {
  const rows = figures.map((figure) => {
    const verdict = figure.target ? (isMet(figure) ? 'met' : '**missed**') : ''
    return `| ${figure.what} | ${format(figure.value, figure.unit)} | ${formatTarget(figure)} | ${verdict} |`
  })
  return ['| Measurement | Result | Target | |', '|---|---|---|---|', ...rows].join('\n')
}

const describeMachine = (): string =>
  `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB of memory, Node ${process.versions.node}`

const currentCommit = (): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', timeout: 5_000 }).trim()
  } catch {
    return 'unknown'
  }
}

/** Replaces the benchmark's section in `results.md`. */
export const writeResults = (benchmark: Benchmark, figures: Figure[]): void => {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : heading
  const [top = heading, ...sections] = before.split(/^(?=## )/m)
  const date = new Date().toISOString().slice(0, 10)
  const section = `## ${benchmark.name}\n\n${benchmark.about}\n\n${formatTable(figures)}\n\n${date}, commit ${currentCommit()}, ${describeMachine()}\n`
  const others = sections.filter((text) => !text.startsWith(`## ${benchmark.name}\n`)).map((text) => text.trimEnd())
  const all = [...others, section.trimEnd()].toSorted()
  writeFileSync(file, `${[top.trimEnd(), ...all].join('\n\n')}\n`)
}
