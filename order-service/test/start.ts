import type { TestBroker } from '@clientele/platform/testing/broker'
import { startRunning, type Running as TestRunning } from '@clientele/platform/testing/running'
import { mediaSigningKey } from '../../customer-service/test/start.ts'
import { createApp } from '../src/app.ts'
import type { OrderConfig } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'

/** A running order-service with its own database and virtual host, and people to call it. */
export type Running = TestRunning<OrderConfig>

const config = {
  mediaServiceUrl: 'http://127.0.0.1:1',
  mediaTimeoutMs: 10_000,
  mediaSigningKey,
  mediaLinkTtlSeconds: 3_600,
  customerServiceUrl: 'http://127.0.0.1:1',
  shopCurrency: 'EUR',
  jobsPerReplica: 2,
  jobsPerUser: 2,
  jobLeaseMs: 1_000,
  jobPollMs: 50,
  jobKeepHours: 1,
  exportMaxSeconds: 60,
  importMaxBytes: 10_000_000,
  importMaxRows: 100_000,
  importMaxUploads: 4,
  importEventsPerSecond: 5_000,
} satisfies Partial<OrderConfig>

/** `shared` is a virtual host that somebody else closes. */
export const startOrders = (overrides: Partial<OrderConfig> = {}, shared?: TestBroker): Promise<Running> =>
  startRunning<OrderConfig>(
    { name: 'order-service', schema: 'orders', migrations, config, createApp },
    overrides,
    shared,
  )

let count = 0
/** The body of a valid product; no two are alike. */
export const aProduct = (fields: Record<string, unknown> = {}) => {
  count += 1
  return { name: `Product ${count}`, sku: `SKU-${process.pid}-${count}`, price: '2.2', stock: 100, ...fields }
}
