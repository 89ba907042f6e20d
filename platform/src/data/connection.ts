import pg from 'pg'
import type { Sequelize } from 'sequelize'

/** A connection of the pool that one caller holds; end it by `release` or `destroy`. */
export type BorrowedConnection = {
  client: pg.Client
  /** Gives it back to the pool; no transaction may be open. */
  release(): void
  /** Closes it, and with it its transaction and its locks, whatever state they are in. */
  destroy(): Promise<void>
}

/** Takes a connection out of Sequelize's pool, for work that needs pg itself or a session of its own. */
export const borrowConnection = async ({ connectionManager }: Sequelize): Promise<BorrowedConnection> => {
  const client = await connectionManager.getConnection({ type: 'write' })
  if (!(client instanceof pg.Client)) throw new Error('the pool gave no client of pg')
  return {
    client,
    release: () => connectionManager.releaseConnection(client),
    destroy: () => connectionManager.destroyConnection(client).catch(() => {}),
  }
}
