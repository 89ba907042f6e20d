import { testEnv } from '@clientele/platform/testing/database'
import pg from 'pg'
import { childPids } from './memory.ts'
import { parentPid } from './process.ts'

/** The URL of a service's database for the PostgreSQL superuser. */
export const adminUrl = (databaseUrl: string): string =>
  Object.assign(new URL(testEnv('TEST_POSTGRES_URL')), { pathname: new URL(databaseUrl).pathname }).href

/** Runs `use` on a connection of the PostgreSQL superuser to a service's database, and closes it. */
export const asSuperuser = async <T>(
  databaseUrl: string,
  use: (client: pg.Client) => Promise<T>,
  options = '',
): Promise<T> => {
  const client = new pg.Client({ connectionString: adminUrl(databaseUrl), query_timeout: 600_000, options })
  await client.connect()
  return use(client).finally(() => client.end())
}

/** The processes of the PostgreSQL server, which must run on this machine. */
export const serverPids = (): Promise<number[]> =>
  asSuperuser(testEnv('TEST_POSTGRES_URL'), async (client) => {
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
    const own = rows[0]?.pid ?? 0
    return childPids(parentPid(own)).filter((pid) => pid !== own)
  })

/** Finds the PostgreSQL processes that serve one database. PostgreSQL must run on this machine. */
export const openBackends = async (databaseUrl: string) => {
  const client = new pg.Client({ connectionString: adminUrl(databaseUrl) })
  await client.connect()
  return {
    pids: async (): Promise<number[]> => {
      const { rows } = await client.query<{ pid: number }>(
        `select pid from pg_stat_activity where datname = current_database() and backend_type = 'client backend' and pid <> pg_backend_pid()`,
      )
      return rows.map(({ pid }) => pid)
    },
    end: () => client.end(),
  }
}
