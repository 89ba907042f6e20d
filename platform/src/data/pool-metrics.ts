import type { Sequelize } from 'sequelize'
import { gauge } from '../runtime/telemetry.ts'
import { DatabaseClient } from './database-client.ts'

type Pool = { clients: Set<DatabaseClient>; waiting: Map<object, number>; max: number; acquireMs: number }

const pools = new Set<Pool>()

const sum = (count: (pool: Pool) => number): number => [...pools].reduce((total, pool) => total + count(pool), 0)
const used = ({ clients }: Pool): number => [...clients].filter(({ isBusy }) => isBusy).length
// Sequelize says who begins to wait and who got a connection, but not who gave up: that is known by the time.
const waiting = ({ waiting: since, acquireMs }: Pool): number => {
  for (const [request, at] of since) if (performance.now() - at > acquireMs) since.delete(request)
  return since.size
}

gauge('database_connections', 'Connections of the pool', ['state'], function () {
  this.set({ state: 'used' }, sum(used))
  this.set({ state: 'idle' }, sum(({ clients }) => clients.size) - sum(used))
})
gauge('database_connections_limit', 'Connections that the pool may have', [], function () {
  this.set(sum(({ max }) => max))
})
gauge('database_waiting', 'Work that waits for a connection of the pool', [], function () {
  this.set(sum(waiting))
})

/**
 * Shows Sequelize's pool in the metrics, counted when they are read.
 * @returns a function that ends it
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
