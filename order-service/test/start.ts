import type { TestBroker } from '@clientele/platform/testing/broker'
import { startTestService, type RunningService as TestRunning } from '@clientele/platform/testing/running-service'
import { mediaSigningKey } from '../../customer-service/test/start.ts'
import { createApp } from '../src/app.ts'
import type { OrderConfig } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'

/** A running order-service with its own database and virtual host, and clients that call it. */
export type Running = TestRunning<OrderConfig>

const config = {
  mediaServiceUrl: 'http://127.0.0.1:1',
  mediaTimeoutMs: 10_000,
  mediaSigningKey,
  mediaLinkTtlSeconds: 3_600,
  customerServiceUrl: 'http://127.0.0.1:1',
  customerServiceInternalUrl: 'http://127.0.0.1:1',
  shopCurrency: 'EUR',
  orderRequiresCustomer: false,
  shopTimeZone: 'UTC',
  jobsPerReplica: 2,
  jobsPerUser: 2,
  jobLeaseMs: 1_000,
  jobPollMs: 50,
  jobsOpenPerUser: 20,
  jobFilesPerUser: 200,
  jobFileBytesPerUser: 1_000_000_000,
  jobFileBytes: 10_000_000_000,
  jobKeepHours: 1,
  exportMaxSeconds: 60,
  exportsPerDay: 1_000,
  importMaxBytes: 10_000_000,
  importMaxRows: 100_000,
  importMaxUploads: 4,
  importEventsPerSecond: 5_000,
} satisfies Partial<OrderConfig>

/** Starts order-service. The caller closes the virtual host `shared`. */
export const startOrders = (overrides: Partial<OrderConfig> = {}, shared?: TestBroker): Promise<Running> =>
  startTestService<OrderConfig>(
    { name: 'order-service', schema: 'orders', migrations, config, createApp },
    overrides,
    shared,
  )

let count = 0
/** The body of a valid product, different in each call. */
export const aProduct = (fields: Record<string, unknown> = {}) => {
  count += 1
  return { name: `Product ${count}`, sku: `SKU-${process.pid}-${count}`, price: '2.2', stock: 100, ...fields }
}
