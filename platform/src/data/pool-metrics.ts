import type { Sequelize } from 'sequelize'
import { gauge } from '../runtime/telemetry.ts'

/** What Sequelize's pool says of itself. */
type Pool = { using: number; available: number; waiting: number; maxSize: number }

const pools = new Set<Pool>()
const sum = (field: keyof Pool): number => [...pools].reduce((total, pool) => total + pool[field], 0)

gauge('database_connections', 'Connections of the pool', ['state'], function () {
  this.set({ state: 'used' }, sum('using'))
  this.set({ state: 'idle' }, sum('available'))
})
gauge('database_connections_limit', 'Connections that the pool may have', [], function () {
  this.set(sum('maxSize'))
})
gauge('database_waiting', 'Work that waits for a connection of the pool', [], function () {
  this.set(sum('waiting'))
})

/** Shows the pool in the metrics, until what it returns is called. Nothing is counted before they are read. */
export const observePool = (sequelize: Sequelize): (() => void) => {
  const { pool } = sequelize.connectionManager as unknown as { pool: Pool }
  pools.add(pool)
  return () => void pools.delete(pool)
}
