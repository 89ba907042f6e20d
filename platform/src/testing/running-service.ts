import type { RevocationConfig } from '../auth/revocation-config.ts'
import type { TokenVerifier } from '../auth/token-verifier.ts'
import type { DatabaseConfig } from '../data/database-config.ts'
import { connectDb, type Db } from '../data/db.ts'
import type { ServiceConfig } from '../runtime/config.ts'
import type { Log } from '../runtime/log.ts'
import { type ServiceParts, startService } from '../service/service.ts'
import { type TestBroker, testBroker } from './broker.ts'
import { type Client, client } from './client.ts'
import { type TestDatabase, testDatabase } from './database.ts'
import { testConfig, testLog, testVerifier } from './service.ts'
import { signedInAs } from './tokens.ts'

/** A running service with its own database and virtual host, and clients of a user and an admin. */
export type RunningService<C> = {
  url: string
  internalUrl: string
  db: Db
  broker: TestBroker
  database: TestDatabase
  user: Client
  admin: Client
  /** Starts another instance of the service with the same database, for example with another configuration. */
  startReplica(overrides?: Partial<C>): Promise<{ url: string; stop(): Promise<void> }>
  stop(): Promise<void>
}

type Base = ServiceConfig & RevocationConfig & DatabaseConfig

type Options<C extends Base> = {
  name: string
  schema: string
  migrations: URL
  /** The settings that only this service has. */
  config: Omit<C, keyof Base> & Partial<C>
  createApp(parts: { config: C; db: Db; verifier: TokenVerifier; log: Log }): Pick<
    ServiceParts,
    'app' | 'internal' | 'consumers' | 'tasks' | 'bulkEventsPerSecond'
  > & {
    close(): Promise<void>
  }
}

/**
 * Starts a service with real backing services and waits until it receives events. `shared` is a virtual host that the caller
 * closes.
 */
export const startTestService = async <C extends Base>(
  { name, schema, migrations, config: own, createApp }: Options<C>,
  overrides: Partial<C> = {},
  shared?: TestBroker,
): Promise<RunningService<C>> => {
  const [database, broker, user, admin] = await Promise.all([
    testDatabase({ schema, migrations }),
    shared ?? testBroker(),
    signedInAs('user'),
    signedInAs('admin'),
  ])
  const start = async (further: Partial<C>) => {
    const base = { ...testConfig({ rabbitmqUrl: broker.url }), ...database.config }
    // `base` has the settings that `own` leaves out.
    const config = { ...base, ...own, ...overrides, ...further } as Base & typeof own as C
    const log = testLog()
    const db = await connectDb(config, schema)
    const { close, ...parts } = createApp({ config, db, verifier: testVerifier(config), log })
    const service = await startService({ name, config, log, db, migrations, ...parts })
    await service.consumersReady(20_000)
    return { url: service.url, internalUrl: service.internalUrl, db, stop: () => service.stop().then(close) }
  }
  const service = await start({})
  return {
    ...service,
    broker,
    database,
    user: client(service.url, user.token),
    admin: client(service.url, admin.token),
    startReplica: (further = {}) => start(further),
    stop: async () => {
      await service.stop()
      await Promise.all([database.drop(), shared ?? broker.close()])
    },
  }
}
