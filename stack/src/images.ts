import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArguments } from './processes/arguments.ts'
import { projectRoot } from './processes/folders.ts'

const usage = `usage: npm run images -- [--tag <version>] [--prefix <registry/path>] [--push] [<service>...]
Builds the images <prefix>/<service>:<tag> of docker-compose.yml: every service, the tools and Keycloak, or those that are named.

  --tag VERSION     default: the version in package.json
  --prefix PREFIX   default: clientele; with a registry, such as registry.example.com/shop
  --push            pushes the images to the registry`

const options = {
  tag: { type: 'string' },
  prefix: { type: 'string', default: 'clientele' },
  push: { type: 'boolean', default: false },
} as const

const version = (): string =>
  (JSON.parse(readFileSync(join(projectRoot, 'package.json'), 'utf8')) as { version: string }).version

const revision = (): string => {
  try {
    return execFileSync('git', ['rev-parse', 'HEAD'], { cwd: projectRoot, encoding: 'utf8', stdio: 'pipe' }).trim()
  } catch {
    return ''
  }
}

const { values, positionals } = parseArguments({ options, allowPositionals: true }, usage, 2)
const env = {
  ...process.env,
  CLIENTELE_IMAGE_PREFIX: values.prefix.replace(/\/+$/, ''),
  CLIENTELE_IMAGE_TAG: values.tag ?? version(),
  CLIENTELE_REVISION: revision(),
}
const args = ['compose', '--profile', '*', 'build', ...(values.push ? ['--push'] : []), ...positionals]
const { status, error } = spawnSync('docker', args, { cwd: projectRoot, env, stdio: 'inherit' })
if (error) console.error(`docker compose could not be run: ${error.message}`)
process.exit(status ?? 1)
