import { connectDb, type Db } from '@clientele/platform/db'
import { startService } from '@clientele/platform/service'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type Client, client } from '@clientele/platform/testing/client'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { createApp } from '../src/app.ts'
import type { CustomerConfig } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'

/** The key that both services sign media links with in tests. */
export const mediaSigningKey = 'media-links-are-signed-with-this-in-tests'

/** A running customer-service with its own database and virtual host, and people to call it. */
export type Running = {
  url: string
  db: Db
  broker: TestBroker
  user: Client
  admin: Client
  /** Starts another process of the same service beside, for instance under another policy. */
  another(overrides?: Partial<CustomerConfig>): Promise<{ url: string; stop(): Promise<void> }>
  stop(): Promise<void>
}

const start = async (database: TestDatabase, broker: TestBroker, overrides: Partial<CustomerConfig>) => {
  const config: CustomerConfig = {
    ...testConfig({ rabbitmqUrl: broker.url }),
    ...database.config,
    mediaServiceUrl: 'http://127.0.0.1:1',
    mediaTimeoutMs: 10_000,
    mediaSigningKey,
    mediaLinkTtlSeconds: 3_600,
    customerRequiredFields: ['name', 'surname'],
    defaultCountry: undefined,
    ...overrides,
  }
  const log = testLog()
  const db = await connectDb(config, 'customers')
  const { app, consumers, close } = createApp({ config, db, verifier: testVerifier(config), log })
  const service = await startService({ name: 'customer-service', config, log, db, migrations, app, consumers })
  await service.receiving(20_000)
  return {
    url: service.url,
    db,
    stop: async () => {
      await service.stop()
      await close()
    },
  }
}

/** `shared` is a virtual host that somebody else closes. */
export const startCustomers = async (
  overrides: Partial<CustomerConfig> = {},
  shared?: TestBroker,
): Promise<Running> => {
  const [database, broker, user, admin] = await Promise.all([
    testDatabase({ schema: 'customers', migrations }),
    shared ?? testBroker(),
    tokenFor('user'),
    tokenFor('admin'),
  ])
  const service = await start(database, broker, overrides)
  return {
    ...service,
    broker,
    user: client(service.url, user.token),
    admin: client(service.url, admin.token),
    another: (more = {}) => start(database, broker, { ...overrides, ...more }),
    stop: async () => {
      await service.stop()
      await Promise.all([database.drop(), shared ?? broker.close()])
    },
  }
}

let count = 0
/** The body of a valid customer; no two are alike. */
export const aCustomer = (fields: Record<string, unknown> = {}) => {
  count += 1
  return { name: `Ana ${count}`, surname: 'Lovelace', email: `ana.${process.pid}.${count}@example.com`, ...fields }
}
