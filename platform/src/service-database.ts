import type { Broker } from './broker.ts'
import type { Db } from './db.ts'
import { every } from './every.ts'
import { forgetOldKeys } from './idempotency.ts'
import type { Log } from './log.ts'
import { assertMigrated } from './migrate.ts'
import { createRelay } from './relay.ts'
import { dropUnwanted } from './relay-returned.ts'

type Options = {
  db: Db
  migrations: URL | undefined
  name: string
  log: Log
  config: { importEventsPerSecond?: number }
}

/**
 * What a service with a schema has besides, nothing started: the relay of its outbox and its housekeeping. A file of its
 * own, so that a process without a database does not load the drivers.
 * @throws Error where the schema lacks a migration
 */
export const checkedDatabase = async ({ db, migrations, name, log, config }: Options) => {
  if (migrations) await assertMigrated(db, migrations)
  return {
    relay: (broker: Broker) =>
      createRelay({ db, broker, source: `/${name}`, log, bulk: { perSecond: config.importEventsPerSecond } }),
    tasks: [
      every({ name: 'idempotency-keys', intervalMs: 600_000, log, run: () => forgetOldKeys(db) }),
      every({ name: 'outbox-unwanted', intervalMs: 600_000, log, run: () => dropUnwanted({ db, log }) }),
    ],
  }
}
