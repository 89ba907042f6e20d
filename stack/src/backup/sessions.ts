import pg from 'pg'
import { services } from '../profile/services.ts'

/** Service → connection to its database. */
export type Sessions = Map<string, pg.Client>

const databaseKey = (url: string): string => {
  const { hostname, port, pathname } = new URL(url)
  return `${hostname}:${port || 5432}${pathname}`
}

const connect = async (name: string, url: string): Promise<pg.Client> => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'clientele-backup',
    // A session may be idle for long while others work. The lock timeout fails if a running service holds a table.
    options: '-c timezone=UTC -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c lock_timeout=10000',
  })
  client.on('error', () => undefined)
  await client.connect().catch((error: Error) => {
    throw new Error(`cannot connect to the database of ${name}: ${error.message}`)
  })
  // The owner of all schemas has no search_path.
  const schema = services.find((row) => row.name === name)?.schema?.name
  if (schema) await client.query(`set search_path to ${schema}, public`)
  return client
}

/** Runs `work` with a connection to each database, and closes them. */
export const withSessions = async <T>(
  urls: ReadonlyMap<string, string>,
  work: (sessions: Sessions) => Promise<T>,
): Promise<T> => {
  const sessions: Sessions = new Map()
  try {
    for (const [name, url] of urls) sessions.set(name, await connect(name, url))
    return await work(sessions)
  } finally {
    await Promise.allSettled([...sessions.values()].map((client) => client.end()))
  }
}

/**
 * Begins a read-only transaction in each session. Sessions in the same database share a snapshot, so that an event and what
 * another service made of it are both visible, or neither. @returns the number of snapshots
 */
export const beginSnapshot = async (urls: ReadonlyMap<string, string>, sessions: Sessions): Promise<number> => {
  const snapshots = new Map<string, string>()
  for (const [name, client] of sessions) {
    await client.query('begin isolation level repeatable read read only')
    const key = databaseKey(urls.get(name) ?? '')
    const snapshot = snapshots.get(key)
    if (snapshot) await client.query(`set transaction snapshot ${pg.escapeLiteral(snapshot)}`)
    else {
      const { rows } = await client.query<{ id: string }>('select pg_export_snapshot() as id')
      snapshots.set(key, rows[0]?.id ?? '')
    }
  }
  return snapshots.size
}
