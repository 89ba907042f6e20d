import pg from 'pg'

/** A connection to each database, by name. */
export type Sessions = Map<string, pg.Client>

const place = (url: string): string => {
  const { hostname, port, pathname } = new URL(url)
  return `${hostname}:${port || 5432}${pathname}`
}

const connect = async (name: string, url: string): Promise<pg.Client> => {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: 10_000,
    application_name: 'clientele-backup',
    // Waits for the others are long; what keeps us from a table is a service that still runs.
    options: '-c timezone=UTC -c statement_timeout=0 -c idle_in_transaction_session_timeout=0 -c lock_timeout=10000',
  })
  client.on('error', () => undefined)
  await client.connect().catch((error: Error) => {
    throw new Error(`the database of ${name} does not answer: ${error.message}`)
  })
  return client
}

/** Connects to all databases for the time of `work`. */
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
 * Begins a reading transaction in each session, all on one snapshot where they are in one database: what one service has
 * told another is seen on both sides, or on none. @returns the number of snapshots
 */
export const beginSnapshot = async (urls: ReadonlyMap<string, string>, sessions: Sessions): Promise<number> => {
  const snapshots = new Map<string, string>()
  for (const [name, client] of sessions) {
    await client.query('begin isolation level repeatable read read only')
    const where = place(urls.get(name) ?? '')
    const known = snapshots.get(where)
    if (known) await client.query(`set transaction snapshot ${pg.escapeLiteral(known)}`)
    else {
      const { rows } = await client.query<{ id: string }>('select pg_export_snapshot() as id')
      snapshots.set(where, rows[0]?.id ?? '')
    }
  }
  return snapshots.size
}
