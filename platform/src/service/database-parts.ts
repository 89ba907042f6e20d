import type { Db } from '../data/db.ts'
import { assertMigrated } from '../data/migrate.ts'
import type { Broker } from '../events/broker.ts'
import { createRelay } from '../events/outbox/relay.ts'
import { dropUnwanted } from '../events/outbox/unroutable-events.ts'
import { forgetOldKeys } from '../http/idempotency.ts'
import type { Log } from '../runtime/log.ts'
import { every } from '../runtime/periodic-task.ts'

type Options = {
  db: Db
  migrations: URL | undefined
  name: string
  log: Log
  bulkEventsPerSecond: number | undefined
}

/**
 * What a service with a schema has besides, nothing started: the relay of its outbox and its housekeeping. A file of its
 * own, so that a process without a database does not load the drivers.
 * @throws Error where the schema lacks a migration
 */
export const checkedDatabase = async ({ db, migrations, name, log, bulkEventsPerSecond }: Options) => {
  if (migrations) await assertMigrated(db, migrations)
  return {
    relay: (broker: Broker) =>
      createRelay({ db, broker, source: `/${name}`, log, bulk: { perSecond: bulkEventsPerSecond } }),
    tasks: [
      every({ name: 'idempotency-keys', intervalMs: 600_000, log, run: () => forgetOldKeys(db) }),
      every({ name: 'outbox-unwanted', intervalMs: 600_000, log, run: () => dropUnwanted({ db, log }) }),
    ],
  }
}
