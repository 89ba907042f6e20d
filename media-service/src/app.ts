import { createMediaLink } from '@clientele/features/photos/media-link'
import type { Verifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import type { MediaConfig } from './config.ts'
import { mediaWasStored } from './consumers/media-stored.consumer.ts'
import { usageChanged } from './consumers/usage-changed.consumer.ts'
import { createReaderCheck } from './content/check-reader.ts'
import { createContentService } from './content/content.service.ts'
import { createImageLane } from './images/image-lane.ts'
import { createImageWorker } from './images/image-worker.ts'
import { cleanupTask, createCleanup } from './media/media.cleanup.ts'
import { defineMedia } from './media/media.model.ts'
import { createRemoval } from './media/media.removal.ts'
import { mediaRoutes } from './media/media.routes.ts'
import { createMediaService } from './media/media.service.ts'
import { createVariants } from './media/media.variants.ts'
import { defineMediaUsages } from './media/media-usage.model.ts'
import { createMediaUsageProjection } from './media/media-usage.projection.ts'
import type { Store } from './storage/store.ts'
import { createCleaner } from './uploads/clean-upload.ts'
import { createMultipartReader } from './uploads/multipart.ts'
import { createUploadReader } from './uploads/upload.ts'

export const service = { service: 'media-service', title: 'Clientele media' }

type Deps = { config: MediaConfig; db: Db; verifier: Verifier; log: Log; store: Store }

/** All parts of the service, nothing started. */
export const createApp = ({ config, db, verifier, log, store }: Deps) => {
  const { mediaMaxPixels: maxPixels, mediaMaxBytes: maxBytes, mediaMaxUploads: maxUploads } = config
  const model = defineMedia(db.sequelize)
  const lane = createImageLane({ maxWaiting: maxUploads * 2 })
  const produce = createImageWorker()
  const usages = defineMediaUsages(db.sequelize)
  const removal = createRemoval({ db, model, store })
  const variants = createVariants({ db, store, lane, produce, maxPixels })
  const media = createMediaService({ db, model, link: createMediaLink(config), removal })
  const content = createContentService({ media, variants, store, redirects: config.mediaRedirect })
  const readUpload = createUploadReader({
    store,
    maxUploads,
    check: lane.check,
    readMultipart: createMultipartReader({ store, maxBytes, idleMs: config.mediaIdleMs }),
    clean: createCleaner({ db, store, lane, produce, maxPixels }),
  })
  const cleanup = createCleanup({ db, model, store, removal, log })

  const api = createApi({ ...service, verifier, log, db, config })
  const checkReader = createReaderCheck([config.mediaSigningKey, ...config.mediaSigningKeysAccepted])
  mediaRoutes(api, { media, content, readUpload, checkReader })

  return {
    app: api.app(),
    consumers: [
      usageChanged({ usages: createMediaUsageProjection({ model, usages, removal }) }),
      mediaWasStored({ model, variants }),
    ],
    tasks: [cleanupTask({ db, log, intervalMs: config.mediaSweepIntervalMs, run: cleanup })],
    ready: { store: store.ping },
    cleanup,
  }
}
