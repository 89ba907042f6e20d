import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { parseArgs } from 'node:util'
import { asyncApiDocument } from './service/asyncapi.ts'
import type { ServiceContract } from './service/contract.ts'

/** `npm run generate`: writes contracts/generated from the services' `src/contract.ts`; `--check` fails where that would change a file. */
const root = new URL('../../', import.meta.url)
const target = new URL('contracts/generated/', root)
const { check = false } = parseArgs({ options: { check: { type: 'boolean' } } }).values

const services = (await readdir(root)).filter((folder) => folder.endsWith('-service')).sort()
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
  await emit(`${folder}.asyncapi.json`, asyncApiDocument(contract))
}
if (check && stale.length > 0) {
  console.error(`not generated from the routes as they are: ${stale.join(', ')}. Run \`npm run generate\`.`)
  process.exit(1)
}
console.log(check ? 'contracts are up to date' : `wrote ${stale.length === 0 ? 'nothing' : stale.join(', ')}`)
