import pg from 'pg'
import { databaseServices, type ServiceName, schemaOf, valueFor } from '../../services.ts'
import type { FaultSystem } from '../fault-system.ts'

/** Runs SQL in a service's schema. */
export type Query = <R>(service: ServiceName, sql: string, values: unknown[]) => Promise<R[]>

/** Opens a superuser connection to each service's database; `end` closes them. */
export const openQueries = async ({ databases }: FaultSystem): Promise<{ query: Query; end(): Promise<void> }> => {
  const clients = new Map<ServiceName, pg.Client>()
  for (const service of databaseServices) {
    const client = new pg.Client({
      connectionString: valueFor(databases, service).adminUrl,
      options: `-c search_path=${schemaOf[service]}`,
    })
    await client.connect()
    clients.set(service, client)
  }
  return {
    query: async <R>(service: ServiceName, sql: string, values: unknown[]) =>
      ((await clients.get(service)?.query(sql, values))?.rows ?? []) as R[],
    end: async () => void (await Promise.all([...clients.values()].map((client) => client.end()))),
  }
}
