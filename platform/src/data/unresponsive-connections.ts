import type { Socket } from 'node:net'
import type pg from 'pg'
import type { Sequelize } from 'sequelize'

type Inner = { stream: Socket }
type Watched = pg.Client & { connection: Inner; readyForQuery: boolean }

/**
 * Gives up connections on which a statement has been under way for `silenceMs` without a byte. The server ends statements by
 * itself before that, so nobody is there any more: a machine that failed or a network that was cut sends no word, and
 * TCP would wait for a quarter of an hour.
 */
export const giveUpSilent = (sequelize: Sequelize, silenceMs: number): void => {
  sequelize.addHook('afterConnect', (connection: unknown) => {
    const client = connection as Watched
    const { stream } = client.connection
    stream.setTimeout(silenceMs, () => {
      if (client.readyForQuery) return
      stream.destroy(Object.assign(new Error('the database has fallen silent'), { code: 'ETIMEDOUT' }))
    })
  })
}
