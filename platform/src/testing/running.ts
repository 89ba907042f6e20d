import type { Verifier } from '../auth/token-verifier.ts'
import type { DatabaseConfig } from '../data/database-config.ts'
import { connectDb, type Db } from '../data/db.ts'
import type { ServiceConfig } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import { type ServiceParts, startService } from '../service/service.ts'
import { type TestBroker, testBroker } from './broker.ts'
import { type Client, client } from './client.ts'
import { testDatabase } from './database.ts'
import { testConfig, testLog, testVerifier } from './service.ts'
import { tokenFor } from './tokens.ts'

/** A service that runs with its own database and virtual host, and people to call it. */
export type Running<C> = {
  url: string
  db: Db
  broker: TestBroker
  user: Client
  admin: Client
  /** Starts another process of the same service beside, for instance under another configuration. */
  another(overrides?: Partial<C>): Promise<{ url: string; stop(): Promise<void> }>
  stop(): Promise<void>
}

type Base = ServiceConfig & DatabaseConfig

type Options<C extends Base> = {
  name: string
  schema: string
  migrations: URL
  /** What the service's configuration has beyond every other's. */
  config: Omit<C, keyof Base> & Partial<C>
  createApp(parts: {
    config: C
    db: Db
    verifier: Verifier
    log: Log
  }): Pick<ServiceParts, 'app' | 'consumers' | 'tasks' | 'bulkEventsPerSecond'> & { close(): Promise<void> }
}

/** Starts a service on real parts, and waits until it hears events. `shared` is a virtual host that somebody else closes. */
export const startRunning = async <C extends Base>(
  { name, schema, migrations, config: own, createApp }: Options<C>,
  overrides: Partial<C> = {},
  shared?: TestBroker,
): Promise<Running<C>> => {
  const [database, broker, user, admin] = await Promise.all([
    testDatabase({ schema, migrations }),
    shared ?? testBroker(),
    tokenFor('user'),
    tokenFor('admin'),
  ])
  const start = async (more: Partial<C>) => {
    const base = { ...testConfig({ rabbitmqUrl: broker.url }), ...database.config }
    // What `own` leaves out, `base` has.
    const config = { ...base, ...own, ...overrides, ...more } as Base & typeof own as C
    const log = testLog()
    const db = await connectDb(config, schema)
    const { close, ...parts } = createApp({ config, db, verifier: testVerifier(config), log })
    const service = await startService({ name, config, log, db, migrations, ...parts })
    await service.receiving(20_000)
    return { url: service.url, db, stop: () => service.stop().then(close) }
  }
  const service = await start({})
  return {
    ...service,
    broker,
    user: client(service.url, user.token),
    admin: client(service.url, admin.token),
    another: (more = {}) => start(more),
    stop: async () => {
      await service.stop()
      await Promise.all([database.drop(), shared ?? broker.close()])
    },
  }
}
