import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { type Api, createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import type { ActivityConfig } from './config.ts'
import { recordEvents } from './consumers/events.consumer.ts'
import { createEventWriter } from './events/event.writer.ts'
import { createPartitions } from './events/partitions.ts'
import { createRedaction } from './events/redaction.ts'

export const service = { service: 'activity-service', title: 'Activity' }

type Deps = { config: ActivityConfig; db: Db; verifier: TokenVerifier; log: Log }

/** Declares all routes of the service. */
export const declareRoutes = (_api: Api): void => {}

/** Wires the service. It connects to nothing and starts nothing. */
export const createApp = ({ config, db, verifier, log }: Deps) => {
  const writer = createEventWriter({ db, partitions: createPartitions({ db }) })
  const redaction = createRedaction({ db })
  const api = createApi({ ...service, verifier, db, log, config })
  declareRoutes(api)
  return {
    app: api.app(),
    consumers: [recordEvents({ writer, redaction, onRecorded: () => {} })],
    tasks: [],
  }
}
