import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { asyncApiDocument } from './service/asyncapi.ts'
import type { ServiceContract } from './service/contract.ts'

/**
 * `npm run generate`: writes contracts/generated from `src/contract.ts` of the gateway and each service. With `--check` it fails if
 * a file is out of date.
 */
const root = new URL('../../', import.meta.url)
const target = new URL('contracts/generated/', root)
const { check = false } = parseArgs({ options: { check: { type: 'boolean' } } }).values

const services = (await readdir(root)).filter((folder) => /^gateway$|-service$/.test(folder)).sort()
await mkdir(target, { recursive: true })
const stale: string[] = []
const emit = async (file: string, document: unknown) => {
  const text = `${JSON.stringify(document, undefined, 2)}\n`
  const url = new URL(file, target)
  if ((await readFile(url, 'utf8').catch(() => '')) === text) return
  stale.push(file)
  if (!check) await writeFile(url, text)
}
for (const folder of services) {
  const { contract } = (await import(new URL(`${folder}/src/contract.ts`, root).href)) as { contract: ServiceContract }
  await emit(`${folder}.openapi.json`, contract.document())
  const hasEvents = contract.publishes.length > 0 || contract.consumes.length > 0
  if (hasEvents) await emit(`${folder}.asyncapi.json`, asyncApiDocument(contract))
}
if (check && stale.length > 0) {
  console.error(`out of date: ${stale.join(', ')}. Run \`npm run generate\`.`)
  process.exit(1)
}
console.log(check ? 'contracts are up to date' : `wrote ${stale.length === 0 ? 'nothing' : stale.join(', ')}`)
