import type { TestBroker } from '@clientele/platform/testing/broker'
import { startRunning, type Running as TestRunning } from '@clientele/platform/testing/running'
import { createApp } from '../src/app.ts'
import type { CustomerConfig } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'

/** The key that both services sign media links with in tests. */
export const mediaSigningKey = 'media-links-are-signed-with-this-in-tests'

/** A running customer-service with its own database and virtual host, and people to call it. */
export type Running = TestRunning<CustomerConfig>

const config = {
  mediaServiceUrl: 'http://127.0.0.1:1',
  mediaTimeoutMs: 10_000,
  mediaSigningKey,
  mediaLinkTtlSeconds: 3_600,
  customerRequiredFields: ['name', 'surname'],
  defaultCountry: undefined,
  requestTimeoutMs: 300_000,
  jobsPerReplica: 2,
  jobsPerUser: 1,
  jobLeaseMs: 2_000,
  jobPollMs: 100,
  jobKeepHours: 24,
  importMaxBytes: 10_000_000,
  exportMaxSeconds: 60,
  importMaxRows: 1_000_000,
  importMaxUploads: 4,
  importEventsPerSecond: 5_000,
} satisfies Partial<CustomerConfig>

/** `shared` is a virtual host that somebody else closes. */
export const startCustomers = (overrides: Partial<CustomerConfig> = {}, shared?: TestBroker): Promise<Running> =>
  startRunning<CustomerConfig>(
    { name: 'customer-service', schema: 'customers', migrations, config, createApp },
    overrides,
    shared,
  )

let count = 0
/** The body of a valid customer; no two are alike. */
export const aCustomer = (fields: Record<string, unknown> = {}) => {
  count += 1
  return { name: `Ana ${count}`, surname: 'Lovelace', email: `ana.${process.pid}.${count}@example.com`, ...fields }
}
