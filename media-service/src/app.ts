import { createMediaLink } from '@clientele/features/photos/media-link'
import { nameErasureTask } from '@clientele/features/users/name-erasure'
import { userNameConsumer, userNameProjection } from '@clientele/features/users/user-names.consumer'
import { userReconciliationTask } from '@clientele/features/users/user-reconciliation'
import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { createUserNames } from '@clientele/platform/data/user-names'
import { createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import type { MediaConfig } from './config.ts'
import { variantConsumer } from './consumers/media-stored.consumer.ts'
import { usageConsumer } from './consumers/usage-changed.consumer.ts'
import { createReaderCheck } from './content/check-reader.ts'
import { createContentService } from './content/content.service.ts'
import { createDecoderClient } from './images/decoder-client.ts'
import { createImageBudget } from './images/image-budget.ts'
import { createImageQueue } from './images/image-queue.ts'
import { createImageWorker } from './images/image-worker.ts'
import { createSandbox } from './images/sandbox.ts'
import { cleanupTask, createCleanup } from './media/media.cleanup.ts'
import { defineMedia } from './media/media.model.ts'
import { createMediaQuota } from './media/media.quota.ts'
import { createRemoval } from './media/media.removal.ts'
import { mediaRoutes } from './media/media.routes.ts'
import { createMediaService } from './media/media.service.ts'
import { createVariants } from './media/media.variants.ts'
import { defineMediaUsages } from './media/media-usage.model.ts'
import { createMediaUsageProjection } from './media/media-usage.projection.ts'
import type { Store } from './storage/store.ts'
import { createMultipartReader } from './uploads/multipart.ts'
import { createSanitiser } from './uploads/sanitise-upload.ts'
import { createUploadReader } from './uploads/upload.ts'

const storedNames = [{ table: 'media', key: 'id', id: 'created_by', name: 'created_by_name' }]

export const service = { service: 'media-service', title: 'Media' }

type Deps = { config: MediaConfig; db: Db; verifier: TokenVerifier; log: Log; store: Store }

/** Wires the service. It connects to nothing and starts nothing. */
export const createApp = ({ config, db, verifier, log, store }: Deps) => {
  const { mediaMaxPixels: maxPixels, mediaMaxBytes: maxBytes, mediaMaxUploads: maxUploads } = config
  const model = defineMedia(db.sequelize)
  const queue = createImageQueue({ maxWaiting: maxUploads * 2 })
  const budget = createImageBudget(config.mediaMegapixelsPerMinute)
  const produce = config.imageDecoderUrl
    ? createDecoderClient(config.imageDecoderUrl)
    : createImageWorker(createSandbox(config.imageSandbox, log))
  const usages = defineMediaUsages(db.sequelize)
  const userNames = createUserNames(db)
  const removal = createRemoval({ db, model, store })
  const variants = createVariants({ db, store, queue, produce, maxPixels })
  const quota = createMediaQuota({ db, maxImages: config.mediaMaxUnused, maxBytes: config.mediaMaxUnusedBytes })
  const media = createMediaService({ db, model, link: createMediaLink(config), removal, quota, userNames })
  const content = createContentService({ media, variants, store, redirects: config.mediaRedirect })
  const readUpload = createUploadReader({
    store,
    maxUploads,
    budget,
    assertCapacity: queue.assertCapacity,
    readMultipart: createMultipartReader({ store, maxBytes, idleMs: config.mediaIdleMs }),
    sanitise: createSanitiser({ db, store, queue, budget, produce, maxPixels }),
  })
  const cleanup = createCleanup({ db, model, store, removal, log })

  const api = createApi({ ...service, verifier, log, db, config })
  const checkReader = createReaderCheck([config.mediaSigningKey, ...config.mediaSigningKeysAccepted])
  mediaRoutes(api, { media, content, readUpload, checkReader })

  return {
    app: api.app(),
    consumers: [
      usageConsumer({ usages: createMediaUsageProjection({ model, usages, removal }) }),
      variantConsumer({ model, variants }),
      userNameConsumer({ service: service.service, userNames }),
    ],
    tasks: [
      cleanupTask({ db, log, intervalMs: config.mediaSweepIntervalMs, run: cleanup }),
      nameErasureTask(db, log, storedNames),
      userReconciliationTask({
        userServiceInternalUrl: config.userServiceInternalUrl,
        db,
        log,
        projections: [userNameProjection(userNames)],
      }),
    ],
    ready: { store: store.ping },
    cleanup,
  }
}
