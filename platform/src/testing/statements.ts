import { randomUUID } from 'node:crypto'
import pg from 'pg'
import type { Db } from '../data/db.ts'
import { currentContext } from '../runtime/context.ts'

/** Sends a request with these headers, and returns what it gets. */
type Send<T> = (headers: Record<string, string>) => Promise<T>

const textOf = (query: unknown): string => {
  if (typeof query === 'string') return query
  return typeof query === 'object' && query !== null && 'text' in query ? String(query.text) : String(query)
}

/** Opens all connections of a pool, so that no request sends what a new one begins with. */
export const openConnections = async ({ query }: Db, count = 10): Promise<void> => {
  await Promise.all(Array.from({ length: count }, () => query('select pg_sleep(0.1)')))
}

/**
 * Records what the services of this process send to PostgreSQL for a request: all that their connections send, also `begin` and
 * `commit`, but not what other requests and background work send at the same time.
 */
export const recordStatements = () => {
  const { query } = pg.Client.prototype
  const statements = new Map<string, string[]>()
  pg.Client.prototype.query = function (this: pg.Client, ...args: unknown[]) {
    statements.get(currentContext()?.requestId ?? '')?.push(textOf(args[0]))
    return Reflect.apply(query, this, args)
  } as typeof query
  return {
    /** Sends a request, and returns its statements in their order. */
    of: async (send: Send<unknown>): Promise<string[]> => {
      const id = randomUUID()
      const sent: string[] = []
      statements.set(id, sent)
      await send({ 'x-request-id': id })
      statements.delete(id)
      return sent
    },
    stop: (): void => {
      pg.Client.prototype.query = query
    },
  }
}
