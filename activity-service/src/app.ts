import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { listenTask } from '@clientele/platform/data/notifications'
import { type Api, createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import { type AuditRouteDeps, auditRoutes } from './audit/audit.routes.ts'
import { createAudit } from './audit/audit.service.ts'
import type { ActivityConfig } from './config.ts'
import { recordEvents } from './consumers/events.consumer.ts'
import { createEventWriter, recordedChannel } from './events/event.writer.ts'
import { createPartitions } from './events/partitions.ts'
import { createRedaction } from './events/redaction.ts'
import { type FeedRouteDeps, feedRoutes } from './feed/feed.routes.ts'
import { createFeed } from './feed/feed.service.ts'
import { activityCleanup } from './retention/cleanup.ts'
import { createEventTail } from './stream/event.tail.ts'
import { createEventStreams } from './stream/event-streams.ts'
import { createEventReader } from './stream/recorded-event.ts'
import { type StreamRouteDeps, streamRoutes } from './stream/stream.routes.ts'
import type { StreamLimits } from './stream/stream-client.ts'
import { createActorNames } from './timeline/actor-names.ts'
import { createTimeline } from './timeline/timeline.list.ts'
import { type TimelineRouteDeps, timelineRoutes } from './timeline/timeline.routes.ts'
import { type WebhookRouteDeps, webhookRoutes } from './webhooks/webhook.routes.ts'
import { createWebhooks, type WebhookOverrides } from './webhooks/webhooks.ts'

export const service = { service: 'activity-service', title: 'Activity' }

type Deps = {
  config: ActivityConfig
  db: Db
  verifier: TokenVerifier
  log: Log
  /** For tests, which cannot wait for the limits of streams. */
  streamLimits?: Partial<StreamLimits>
  webhookOverrides?: WebhookOverrides
}

/** Declares all routes of the service. */
export const declareRoutes = (
  api: Api,
  deps: TimelineRouteDeps & AuditRouteDeps & FeedRouteDeps & StreamRouteDeps & WebhookRouteDeps,
): void => {
  timelineRoutes(api, deps)
  auditRoutes(api, deps)
  feedRoutes(api, deps)
  streamRoutes(api, deps)
  webhookRoutes(api, deps)
}

/** Wires the service. It connects to nothing and starts nothing. */
export const createApp = ({ config, db, verifier, log, streamLimits, webhookOverrides }: Deps) => {
  const partitions = createPartitions({ db })
  const writer = createEventWriter({ db, partitions })
  const redaction = createRedaction({ db })
  const actorNames = createActorNames({ db })
  const reader = createEventReader({ db })
  const tail = createEventTail({ reader, log })
  const streams = createEventStreams({ config, reader, tail, revocations: verifier.revocations, limits: streamLimits })
  const webhooks = createWebhooks({ config, db, log, overrides: webhookOverrides })
  const onRecorded = (): void => {
    tail.wake()
    webhooks.onRecorded()
  }
  const listening = listenTask({ db, channel: recordedChannel, onNotify: onRecorded, log })
  const api = createApi({ ...service, verifier, db, log, config })
  declareRoutes(api, {
    timeline: createTimeline({ db, actorNames }),
    audit: createAudit({ db, actorNames }),
    feed: createFeed({ db }),
    streams,
    verifier,
    ...webhooks.routes,
  })
  const keep = { lasting: config.activityKeepLastingMonths, passing: config.activityKeepPassingMonths }
  return {
    app: api.app(),
    consumers: [recordEvents({ writer, redaction, actorNames, onRecorded: webhooks.onRecorded })],
    tasks: [activityCleanup({ db, partitions, keep, log }), tail.task, listening, streams.task, ...webhooks.tasks],
    /** For tests. The process of a service just exits. */
    close: webhooks.close,
  }
}
