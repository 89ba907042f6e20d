import { createCustomerReader, createCustomerServiceClient } from '@clientele/features/customers/customer-reader'
import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { type Api, createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import { createWakeSignal } from '@clientele/platform/runtime/wake-signal'
import type { NotificationConfig } from './config.ts'
import { customerConsumer } from './consumers/customers.consumer.ts'
import { orderConsumer } from './consumers/orders.consumer.ts'
import { createCustomerProjection } from './customers/customer.projection.ts'
import { customerReconciliationTask } from './customers/customer.reconciliation.ts'
import { defineModels } from './models.ts'
import { type NotificationRouteDeps, notificationRoutes } from './notifications/notification.routes.ts'
import { notificationSearchTextTask } from './notifications/notification.search-text.ts'
import { createNotificationService } from './notifications/notification.service.ts'
import { createNotificationWriter } from './notifications/notification.writer.ts'
import { createProviders } from './providers/create-providers.ts'
import { type ReportRouteDeps, reportRoutes } from './reports/report.routes.ts'
import { createReportService } from './reports/report.service.ts'
import { createClaim } from './sending/claim.ts'
import { createCleanup } from './sending/cleanup.ts'
import { createMessageLimits, type Limits } from './sending/limits.ts'
import { createOutcomes } from './sending/outcomes.ts'
import { createSender } from './sending/sender.ts'
import { createSmsCheck } from './sending/sms-check.ts'
import { type Timing, timingOf } from './sending/timing.ts'

export const service = { service: 'notification-service', title: 'Notifications' }

/** Declares all routes of the service. */
export const declareRoutes = (api: Api, deps: NotificationRouteDeps & ReportRouteDeps): void => {
  notificationRoutes(api, deps)
  reportRoutes(api, deps)
}

type Deps = { config: NotificationConfig; db: Db; verifier: TokenVerifier; log: Log; timing?: Partial<Timing> }

const limitsOf = (config: NotificationConfig): Limits => ({
  maxPerRecipient: config.maxMessagesPerRecipient,
  maxPerAuthor: config.maxMessagesPerAuthor,
  maxPerInstallation: config.maxMessagesPerDay,
})

/** Wires the service. It connects to nothing and starts nothing. */
export const createApp = ({ config, db, verifier, log, timing: timingOverrides }: Deps) => {
  const timing = { ...timingOf(config), ...timingOverrides }
  const wakeSignal = createWakeSignal()
  const providers = createProviders(config)
  const models = defineModels(db.sequelize)
  const writer = createNotificationWriter(models.notifications)
  const customers = createCustomerProjection({ db, ...models })
  const customerClient = createCustomerServiceClient(
    config.customerServiceUrl,
    'customers cannot be read because customer-service is unavailable',
  )
  const notifications = createNotificationService({
    db,
    notifications: models.notifications,
    customers,
    customerReader: createCustomerReader(customerClient),
    writer,
    wakeSignal,
  })
  const reports = createReportService({ db, ...models, writer, log, secret: config.callbackSecret })
  const outcomes = createOutcomes({ db, writer, timing })
  const limits = createMessageLimits({ db, limits: limitsOf(config) })
  const countries = config.smsCountries?.includes('*') ? undefined : config.smsCountries
  const whyNoSms = createSmsCheck({ hasProvider: providers.sms !== undefined, countries })
  const claim = createClaim({ db, ...models, writer, limits, whyNoSms, providers, timing, shop: config, log })
  const sender = createSender({ claim, outcomes, wakeSignal, timing, concurrency: config.sendConcurrency, log })

  const api = createApi({ ...service, verifier, db, log, config })
  declareRoutes(api, { notifications, reports })
  return {
    app: api.app(),
    consumers: [customerConsumer({ customers }), orderConsumer({ notifications })],
    tasks: [
      sender,
      createCleanup({ db, ...models, outcomes, reports, timing, log }),
      notificationSearchTextTask({ db, customers, log }),
      customerReconciliationTask({ ...config, customers, log }),
    ],
    /** For tests. The process of a service just exits. */
    close: async () =>
      void (await Promise.all([customerClient.close(), providers.sms?.close(), providers.email?.close()])),
  }
}
