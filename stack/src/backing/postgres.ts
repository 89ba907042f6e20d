import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import pg from 'pg'
import { failedStartTimeoutMs, logTail, startChild } from '../processes/child.ts'
import { chownTo, launchAs, unprivilegedAccount } from '../processes/unprivileged.ts'
import { waitFor } from '../processes/wait.ts'
import { reachablePrograms } from './postgres-programs.ts'

const run = promisify(execFile)

export type PostgresOptions = {
  home: string
  port: number
  password: string
  /** False only in tests: without fsync, a crash of the machine may lose data. */
  durable: boolean
  maxConnections?: number
  /** The folder of the server's programs; default: those of the npm package. */
  programs?: string | undefined
  /** Aborts the start. */
  signal?: AbortSignal
}

/** A started backing service. */
export type ServiceHandle = { url: string; stop: () => Promise<void> }

export const startPostgres = async ({
  home,
  port,
  password,
  durable,
  maxConnections = 200,
  programs: given,
  signal,
}: PostgresOptions): Promise<ServiceHandle> => {
  const account = unprivilegedAccount()
  const programs = given ?? reachablePrograms(account)
  const data = join(home, 'postgres')
  const env = { PATH: process.env.PATH ?? '/usr/bin:/bin', LC_ALL: 'C', TZ: 'UTC' }
  if (!existsSync(join(data, 'ready'))) await initDatabase(data, programs, password, durable, env)

  const settings: Record<string, string | number> = {
    port,
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: maxConnections,
    // During an import, write dirty pages early: a request should not wait for a free buffer.
    shared_buffers: '256MB',
    bgwriter_delay: '20ms',
    bgwriter_lru_maxpages: 1000,
    bgwriter_lru_multiplier: 4,
    log_destination: 'stderr',
    timezone: 'UTC',
    ...(durable ? {} : { fsync: 'off', synchronous_commit: 'off', full_page_writes: 'off' }),
  }
  const args = ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])]
  const child = await startChild({
    ...launchAs(account, join(programs, 'postgres'), args, [join(data, 'x')]),
    name: 'postgres',
    home,
    env,
    cwd: '/',
    stopSignal: 'SIGINT',
    stopTimeoutMs: 20_000,
  })
  const url = `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`
  await waitFor(() => canConnect(url), { name: 'PostgreSQL', timeoutMs: 60_000, exited: child.exited, signal }).catch(
    async (error) => {
      await child.stop(failedStartTimeoutMs)
      throw new Error(`${error.message}\n${logTail(home, 'postgres')}`)
    },
  )
  return { url, stop: async () => void (await child.stop()) }
}

const initDatabase = async (
  data: string,
  programs: string,
  password: string,
  durable: boolean,
  env: NodeJS.ProcessEnv,
): Promise<void> => {
  const account = unprivilegedAccount()
  // An interrupted first start may have left a half-created cluster.
  rmSync(data, { recursive: true, force: true })
  mkdirSync(data, { recursive: true, mode: 0o700 })
  const secret = join(data, '..', 'postgres.pw')
  writeFileSync(secret, password, { mode: 0o600 })
  chownTo(account, data)
  chownTo(account, secret)
  const args = [
    '-D',
    data,
    '-U',
    'postgres',
    `--pwfile=${secret}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C',
    ...(durable ? [] : ['--no-sync']),
  ]
  const launch = launchAs(account, join(programs, 'initdb'), args, [join(data, 'x')])
  const identity = launch.uid === undefined ? {} : { uid: launch.uid, gid: launch.gid }
  try {
    await run(launch.command, launch.args, { env, cwd: '/', timeout: 120_000, ...identity })
    writeFileSync(join(data, 'ready'), '')
  } finally {
    rmSync(secret, { force: true })
  }
}

export const canConnect = async (url: string): Promise<boolean> => {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2000, query_timeout: 2000 })
  client.on('error', () => undefined)
  try {
    await client.connect()
    await client.query('SELECT 1')
    return true
  } finally {
    await client.end().catch(() => undefined)
  }
}
