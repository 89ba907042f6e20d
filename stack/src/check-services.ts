import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { registry } from '@clientele/contracts/services'
import { projectRoot } from './processes/folders.ts'
import { findMissingTexts } from './registry/missing-texts.ts'

// Part of `npm run check`: files that are written by hand must name every service of services.json.
const read = (file: string): string | undefined => {
  const path = join(projectRoot, file)
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined
}
const missing = findMissingTexts(registry, { read, folders: readdirSync(projectRoot) })
for (const line of missing) console.error(line)
if (missing.length > 0) process.exit(1)
console.log('all files name every service of services.json')
