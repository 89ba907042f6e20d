import type { TestBroker } from '@clientele/platform/testing/broker'
import { startTestService, type RunningService as TestRunning } from '@clientele/platform/testing/running-service'
import { createApp } from '../src/app.ts'
import type { CustomerConfig } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'

/** The key that both services sign links to images with in tests. */
export const mediaSigningKey = 'media-links-are-signed-with-this-in-tests'

/** A running customer-service with its own database and virtual host, and clients to call it. */
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
  jobsOpenPerUser: 20,
  jobFilesPerUser: 200,
  jobFileBytesPerUser: 1_000_000_000,
  jobFileBytes: 10_000_000_000,
  jobKeepHours: 24,
  importMaxBytes: 10_000_000,
  exportMaxSeconds: 60,
  exportsPerDay: 1_000,
  importMaxRows: 1_000_000,
  importMaxUploads: 4,
  importEventsPerSecond: 5_000,
  shopTimeZone: 'UTC',
} satisfies Partial<CustomerConfig>

/** Starts customer-service. `shared` is a virtual host that the caller closes. */
export const startCustomers = (overrides: Partial<CustomerConfig> = {}, shared?: TestBroker): Promise<Running> =>
  startTestService<CustomerConfig>(
    { name: 'customer-service', schema: 'customers', migrations, config, createApp },
    overrides,
    shared,
  )

let count = 0
/** The body of a valid customer, different at each call. */
export const aCustomer = (fields: Record<string, unknown> = {}) => {
  count += 1
  return { name: `Ana ${count}`, surname: 'Lovelace', email: `ana.${process.pid}.${count}@example.com`, ...fields }
}
