import pg from 'pg'
import type { Sequelize } from 'sequelize'

/** A connection that the caller holds alone. Call `release` or `destroy` when done. */
export type BorrowedConnection = {
  client: pg.Client
  /** Returns the connection to the pool. No transaction may be open. */
  release(): void
  /** Closes the connection, which also ends its transaction and releases its locks. */
  destroy(): Promise<void>
}

/** Takes a connection from Sequelize's pool, for work that needs the client of pg or a session of its own. */
export const borrowConnection = async ({ connectionManager }: Sequelize): Promise<BorrowedConnection> => {
  const client = await connectionManager.getConnection({ type: 'write' })
  if (!(client instanceof pg.Client)) throw new Error('the pool did not return a pg.Client')
  return {
    client,
    release: () => connectionManager.releaseConnection(client),
    destroy: () => connectionManager.destroyConnection(client).catch(() => {}),
  }
}
