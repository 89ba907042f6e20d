import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import pLimit from 'p-limit'
import { createDeliveryService } from './delivery.service.ts'
import { createReplayService } from './replay.service.ts'
import { createAddressCheck } from './requests/addresses.ts'
import { type Resolve, systemResolver } from './requests/connector.ts'
import { createSender } from './requests/sender.ts'
import { createUrlCheck } from './requests/target-url.ts'
import { createSecretBox } from './secrets.ts'
import { createDelivery } from './sending/delivery.ts'
import { createDispatcher } from './sending/dispatcher.ts'
import { createProgressStore } from './sending/progress.store.ts'
import { defaultTiming, requestsInAll, type WebhookTiming } from './timing.ts'
import { createCleanup } from './webhook.cleanup.ts'
import { defineWebhooks } from './webhook.model.ts'
import type { WebhookRouteDeps } from './webhook.routes.ts'
import { createWebhookService } from './webhook.service.ts'
import { createWebhookWriter } from './webhook.writer.ts'

/** The settings of webhooks. `publicUrl` and `keycloakIssuer` are addresses of this installation, which no webhook may call. */
type WebhookConfig = {
  webhookSecretKeys: readonly string[]
  webhookAllowHttp: boolean
  webhookAllowNetworks: readonly string[]
  publicUrl?: string | undefined
  keycloakIssuer: string
}

/** For tests: shorter times, a resolver of names, and an authority that signs the receivers' certificates. */
export type WebhookOverrides = { timing?: Partial<WebhookTiming>; resolve?: Resolve; tls?: { ca: string } }

const cleanupMs = 60_000

type Deps = { config: WebhookConfig; db: Db; log: Log; overrides?: WebhookOverrides }

/** Wires webhooks. It connects to nothing and starts nothing. */
export const createWebhooks = ({ config, db, log, overrides = {} }: Deps) => {
  const { resolve = systemResolver, tls } = overrides
  const timing = { ...defaultTiming, ...overrides.timing }
  const webhooks = defineWebhooks(db.sequelize)
  const box = createSecretBox(config.webhookSecretKeys)
  const isAllowed = createAddressCheck(config.webhookAllowNetworks)
  const sender = createSender({ resolve, isAllowed, timing, tls })
  const deliver = createDelivery({ sender, box, limit: pLimit(requestsInAll) })
  const ownUrls = [config.keycloakIssuer, ...(config.publicUrl === undefined ? [] : [config.publicUrl])]
  const checkUrl = createUrlCheck({ resolve, isAllowed, allowHttp: config.webhookAllowHttp, ownUrls })

  const onChanged = (): void => dispatcher.changed()
  const writer = createWebhookWriter({ db, webhooks, log, onChanged })
  const { pause } = writer
  const store = createProgressStore({ db })
  const dispatcher = createDispatcher({ db, webhooks, store, deliver, timing, log, pause })
  const service = createWebhookService({ db, webhooks, writer, box, checkUrl, deliver, onChanged })
  const { get } = service
  const routes: WebhookRouteDeps = {
    webhooks: service,
    deliveries: createDeliveryService({ db, writer, onChanged }),
    replays: createReplayService({ db, writer, get, onChanged }),
  }
  const tasks: Task[] = [dispatcher.task, createCleanup({ db, webhooks, box, log, intervalMs: cleanupMs })]
  return { routes, tasks, onRecorded: dispatcher.notify, close: sender.close }
}
