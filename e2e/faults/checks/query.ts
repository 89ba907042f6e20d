import pg from 'pg'
import { at, type ServiceName, schemaOf, storing } from '../../services.ts'
import type { FaultSystem } from '../system.ts'

/** Reads a service's schema, past the service. */
export type Query = <R>(service: ServiceName, sql: string, values: unknown[]) => Promise<R[]>

/** Connections to all schemas as their superuser; `end` closes them. */
export const openQueries = async ({ databases }: FaultSystem): Promise<{ query: Query; end(): Promise<void> }> => {
  const clients = new Map<ServiceName, pg.Client>()
  for (const service of storing) {
    const client = new pg.Client({
      connectionString: at(databases, service).adminUrl,
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
