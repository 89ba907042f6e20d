import type { Verifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { type Api, createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import { createBell } from '@clientele/platform/runtime/wake-signal'
import type { NotificationConfig } from './config.ts'
import { customerChanged } from './consumers/customers.consumer.ts'
import { orderWasPlaced } from './consumers/orders.consumer.ts'
import { createCustomerProjection } from './customers/customer.projection.ts'
import { defineModels } from './models.ts'
import { type NotificationRouteDeps, notificationRoutes } from './notifications/notification.routes.ts'
import { createNotificationService } from './notifications/notification.service.ts'
import { createWriter } from './notifications/notification.writer.ts'
import { createProviders } from './providers/create-providers.ts'
import { type ReportRouteDeps, reportRoutes } from './reports/report.routes.ts'
import { createReportService } from './reports/report.service.ts'
import { createClaim } from './sending/claim.ts'
import { createCleanup } from './sending/cleanup.ts'
import { createSender } from './sending/sender.ts'
import { createSettle } from './sending/settle.ts'
import { type Timing, timingOf } from './sending/timing.ts'

export const service = { service: 'notification-service', title: 'Notifications' }

/** All routes of the service. */
export const declareRoutes = (api: Api, deps: NotificationRouteDeps & ReportRouteDeps): void => {
  notificationRoutes(api, deps)
  reportRoutes(api, deps)
}

type Deps = { config: NotificationConfig; db: Db; verifier: Verifier; log: Log; timing?: Partial<Timing> }

/** Puts the service together; nothing is connected or started here. */
export const createApp = ({ config, db, verifier, log, timing: other }: Deps) => {
  const timing = { ...timingOf(config), ...other }
  const bell = createBell()
  const providers = createProviders(config, log)
  const models = defineModels(db.sequelize)
  const writer = createWriter(models.notifications)
  const notifications = createNotificationService({ db, notifications: models.notifications, writer, bell })
  const reports = createReportService({ db, ...models, writer, log, secret: config.callbackSecret })
  const settle = createSettle({ db, writer, timing })
  const claim = createClaim({ db, ...models, writer, providers, timing, shop: config, log })
  const sender = createSender({ claim, settle, bell, timing, concurrency: config.sendConcurrency, log })

  const api = createApi({ ...service, verifier, db, log, config })
  declareRoutes(api, { notifications, reports })
  return {
    app: api.app(),
    consumers: [
      customerChanged({ customers: createCustomerProjection({ db, ...models }) }),
      orderWasPlaced({ notifications }),
    ],
    tasks: [sender, createCleanup({ db, ...models, settle, reports, timing, log })],
    close: async () => void (await Promise.all([providers.sms.close(), providers.email?.close()])),
  }
}
