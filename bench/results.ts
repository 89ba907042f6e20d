import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { cpus, totalmem } from 'node:os'
import { type Figure, isKept, type Part } from './part.ts'

const file = new URL('results.md', import.meta.url)

const head = `# What was measured

Written by \`npm run bench -- --write\`: each part replaces its own section. Compare the ratios, which come from one run on one machine; absolute times are of that machine only.
`

const digits = (value: number): string => (Math.abs(value) >= 100 ? value.toFixed(0) : value.toPrecision(3))
const shown = (value: number, unit: Figure['unit']): string =>
  unit === '×' || unit === '' ? `${digits(value)}${unit}` : `${digits(value)} ${unit}`

const targetOf = ({ target, unit }: Figure): string => {
  if (!target) return ''
  return 'atMost' in target ? `≤ ${shown(target.atMost, unit)}` : `≥ ${shown(target.atLeast, unit)}`
}

/** The figures as a Markdown table. */
export const table = (figures: Figure[]): string => {
  const rows = figures.map((figure) => {
    const verdict = figure.target ? (isKept(figure) ? 'kept' : '**missed**') : ''
    return `| ${figure.what} | ${shown(figure.value, figure.unit)} | ${targetOf(figure)} | ${verdict} |`
  })
  return ['| What | Measured | Target | |', '|---|---|---|---|', ...rows].join('\n')
}

const machine = (): string =>
  `${cpus().length} cores (${cpus()[0]?.model ?? 'unknown'}), ${Math.round(totalmem() / 2 ** 30)} GB of memory, Node ${process.versions.node}`

const commit = (): string => {
  try {
    return execFileSync('git', ['rev-parse', '--short', 'HEAD'], { encoding: 'utf8', timeout: 5_000 }).trim()
  } catch {
    return 'unknown'
  }
}

/** Replaces the part's section in `results.md`. */
export const writeResults = (part: Part, figures: Figure[]): void => {
  const before = existsSync(file) ? readFileSync(file, 'utf8') : head
  const [top = head, ...sections] = before.split(/^(?=## )/m)
  const date = new Date().toISOString().slice(0, 10)
  const section = `## ${part.name}\n\n${part.about}\n\n${table(figures)}\n\n${date}, commit ${commit()}, ${machine()}\n`
  const others = sections.filter((text) => !text.startsWith(`## ${part.name}\n`)).map((text) => text.trimEnd())
  const all = [...others, section.trimEnd()].toSorted()
  writeFileSync(file, `${[top.trimEnd(), ...all].join('\n\n')}\n`)
}
