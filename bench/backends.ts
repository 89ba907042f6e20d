import { testEnv } from '@clientele/platform/testing/database'
import pg from 'pg'

/** The address of a service's database for PostgreSQL's own administrator. */
export const asAdmin = (databaseUrl: string): string =>
  Object.assign(new URL(testEnv('TEST_POSTGRES_URL')), { pathname: new URL(databaseUrl).pathname }).href

/** The processes of PostgreSQL that serve one database; it runs on this machine. */
export const backendsOf = async (databaseUrl: string) => {
  const client = new pg.Client({ connectionString: asAdmin(databaseUrl) })
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
