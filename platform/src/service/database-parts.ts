import type { Db } from '../data/db.ts'
import { assertMigrated } from '../data/migrate.ts'
import type { Broker } from '../events/broker.ts'
import { createRelay } from '../events/outbox/relay.ts'
import { removeUnroutable } from '../events/outbox/unroutable-events.ts'
import { removeExpiredKeys } from '../http/idempotency.ts'
import type { Log } from '../runtime/log.ts'
import { periodicTask } from '../runtime/periodic-task.ts'

type Options = {
  db: Db
  migrations: URL | undefined
  name: string
  log: Log
  bulkEventsPerSecond: number | undefined
}

/**
 * Creates the parts that only a service with a database has: the relay of its outbox and its cleanup tasks. They are not started.
 * `service.ts` imports this file only if there is a database, so that a process without one does not load the drivers.
 * @throws Error if a migration has not been applied
 */
export const createDatabaseParts = async ({ db, migrations, name, log, bulkEventsPerSecond }: Options) => {
  if (migrations) await assertMigrated(db, migrations)
  return {
    relay: (broker: Broker) =>
      createRelay({ db, broker, source: `/${name}`, log, bulk: { perSecond: bulkEventsPerSecond } }),
    tasks: [
      periodicTask({ name: 'idempotency-cleanup', intervalMs: 600_000, log, run: () => removeExpiredKeys(db) }),
      periodicTask({ name: 'outbox-cleanup', intervalMs: 600_000, log, run: () => removeUnroutable({ db, log }) }),
    ],
  }
}
