import { type Figure, isKept, type Part } from './part.ts'
import { customers } from './parts/customers.ts'
import { events } from './parts/events.ts'
import { exports } from './parts/exports.ts'
import { gateway } from './parts/gateway.ts'
import { idle } from './parts/idle.ts'
import { imports } from './parts/imports.ts'
import { orders } from './parts/orders.ts'
import { uploads } from './parts/uploads.ts'
import { table, writeResults } from './results.ts'

const parts: Part[] = [gateway, events, customers, orders, imports, exports, uploads, idle]

const args = process.argv.slice(2)
const names = args.filter((arg) => !arg.startsWith('--'))
const unknown = names.filter((name) => !parts.some((part) => part.name === name))
if (unknown.length > 0) {
  console.error(`no part is called ${unknown.join(', ')}: there are ${parts.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}

const missed: Figure[] = []
for (const part of parts.filter(({ name }) => names.length === 0 || names.includes(name))) {
  const from = Date.now()
  const say = (text: string) => console.log(`${part.name.padEnd(10)} ${text}`)
  const figures = await part.run({ say })
  console.log(`\n## ${part.name} (${Math.round((Date.now() - from) / 1000)} s)\n\n${table(figures)}\n`)
  if (args.includes('--write')) writeResults(part, figures)
  missed.push(...figures.filter((figure) => !isKept(figure)))
}
console.log(`${missed.length} targets missed${missed.map(({ what }) => `\n  ${what}`).join('')}`)
process.exit(missed.length > 0 ? 1 : 0)
