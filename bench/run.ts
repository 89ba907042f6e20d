import { type Benchmark, type Figure, isMet } from './benchmark.ts'
import { activity } from './benchmarks/activity.ts'
import { customers } from './benchmarks/customers.ts'
import { events } from './benchmarks/events.ts'
import { exports } from './benchmarks/exports.ts'
import { gateway } from './benchmarks/gateway.ts'
import { idle } from './benchmarks/idle.ts'
import { imports } from './benchmarks/imports.ts'
import { indexes } from './benchmarks/indexes.ts'
import { orders } from './benchmarks/orders.ts'
import { uploads } from './benchmarks/uploads.ts'
import { whole } from './benchmarks/whole.ts'
import { formatTable, writeResults } from './results.ts'

const benchmarks: Benchmark[] = [
  gateway,
  events,
  whole,
  activity,
  indexes,
  customers,
  orders,
  imports,
  exports,
  uploads,
  idle,
]

const args = process.argv.slice(2)
const names = args.filter((arg) => !arg.startsWith('--'))
const unknown = names.filter((name) => !benchmarks.some((benchmark) => benchmark.name === name))
if (unknown.length > 0) {
  console.error(
    `unknown benchmark: ${unknown.join(', ')}; benchmarks: ${benchmarks.map(({ name }) => name).join(', ')}`,
  )
  process.exit(2)
}

const missed: Figure[] = []
for (const benchmark of benchmarks.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const from = Date.now()
  const log = (text: string) => console.log(`${benchmark.name.padEnd(10)} ${text}`)
  const figures = await benchmark.run({ log })
  console.log(`\n## ${benchmark.name} (${Math.round((Date.now() - from) / 1000)} s)\n\n${formatTable(figures)}\n`)
  if (args.includes('--write')) writeResults(benchmark, figures)
  missed.push(...figures.filter((figure) => !isMet(figure)))
}
console.log(`targets missed: ${missed.length}${missed.map(({ what }) => `\n  ${what}`).join('')}`)
process.exit(missed.length > 0 ? 1 : 0)
