import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { projectRoot } from './processes/folders.ts'

const usage = `usage: npm run images -- [--tag <version>] [--prefix <registry/path>] [--push] [<service>...]
Builds the image of every service, of the tools and of Keycloak as docker-compose.yml says: <prefix>/<service>:<tag>.`

const options = {
  tag: { type: 'string' },
  prefix: { type: 'string', default: 'clientele' },
  push: { type: 'boolean', default: false },
} as const

const parsed = () => {
  try {
    return parseArgs({ options, allowPositionals: true })
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
    process.exit(2)
  }
}

const version = (): string =>
  (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version

const revision = (): string => {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: projectRoot, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return ''
  }
}

const { values, positionals } = parsed()
const env = {
  ...process.env,
  CLIENTELE_IMAGE_PREFIX: values.prefix.replace(/\/+$/, ''),
  CLIENTELE_IMAGE_TAG: values.tag ?? version(),
  CLIENTELE_REVISION: revision(),
}
const args = ['compose', 'build', ...(values.push ? ['--push'] : []), ...positionals]
const { status, error } = spawnSync('docker', args, { cwd: projectRoot, env, stdio: 'inherit' })
if (error) console.error(`docker compose cannot be run: ${error.message}`)
process.exit(status ?? 1)
