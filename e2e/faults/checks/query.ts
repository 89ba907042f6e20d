import pg from 'pg'
import { schemaOf } from '../../services.ts'
import { type FaultSystem, type StoringService, storing } from '../system.ts'

/** Reads a service's schema, past the service. */
export type Query = <R>(service: StoringService, sql: string, values: unknown[]) => Promise<R[]>

/** Connections to the three schemas as their superuser; `end` closes them. */
export const openQueries = async ({ databases }: FaultSystem): Promise<{ query: Query; end(): Promise<void> }> => {
  const clients = new Map<StoringService, pg.Client>()
  for (const service of storing) {
    const client = new pg.Client({
      connectionString: databases[service].adminUrl,
      options: `-c search_path=${schemaOf[service]}`,
    })
    await client.connect()
    clients.set(service, client)
  }
  return {
    query: async <R>(service: StoringService, sql: string, values: unknown[]) =>
      ((await clients.get(service)?.query(sql, values))?.rows ?? []) as R[],
    end: async () => void (await Promise.all([...clients.values()].map((client) => client.end()))),
  }
}
