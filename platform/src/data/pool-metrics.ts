import type { Sequelize } from 'sequelize'
import { gauge } from '../runtime/telemetry.ts'
import { DatabaseClient } from './database-client.ts'

/** `waiting` has the start of each wait, by `performance.now()`. */
type Pool = { clients: Set<DatabaseClient>; waiting: Map<object, number>; max: number; acquireMs: number }

const pools = new Set<Pool>()

const sum = (count: (pool: Pool) => number): number => [...pools].reduce((total, pool) => total + count(pool), 0)
const usedConnections = ({ clients }: Pool): number => [...clients].filter(({ isBusy }) => isBusy).length
// Sequelize has a hook for the start of a wait and one for its success, but none for its timeout. So requests whose timeout has
// passed are removed here.
const waitingRequests = ({ waiting: requests, acquireMs }: Pool): number => {
  for (const [request, at] of requests) if (performance.now() - at > acquireMs) requests.delete(request)
  return requests.size
}

gauge('database_connections', 'Connections of the pool by state', ['state'], function () {
  this.set({ state: 'used' }, sum(usedConnections))
  this.set({ state: 'idle' }, sum(({ clients }) => clients.size) - sum(usedConnections))
})
gauge('database_connections_limit', 'Maximum size of the pool', [], function () {
  this.set(sum(({ max }) => max))
})
gauge('database_waiting', 'Requests that wait for a connection of the pool', [], function () {
  this.set(sum(waitingRequests))
})

/**
 * Adds Sequelize's pool to the metrics.
 * @returns a function that removes it again
 */
export const observePool = (
  sequelize: Sequelize,
  { max, acquireMs }: Pick<Pool, 'max' | 'acquireMs'>,
): (() => void) => {
  const pool: Pool = { clients: new Set(), waiting: new Map(), max, acquireMs }
  sequelize.addHook('afterConnect', (client) => {
    if (!(client instanceof DatabaseClient)) return
    pool.clients.add(client)
    client.once('end', () => pool.clients.delete(client))
  })
  sequelize.addHook('beforePoolAcquire', (request) => void pool.waiting.set(request, performance.now()))
  sequelize.addHook('afterPoolAcquire', (_client, request) => void pool.waiting.delete(request))
  pools.add(pool)
  return () => void pools.delete(pool)
}
