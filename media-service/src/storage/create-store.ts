import { ConfigError } from '@clientele/platform/runtime/config'
import type { MediaConfig } from '../config.ts'
import { createFolderStore } from './folder-store.ts'
import type { Store } from './store.ts'
import { withMetrics } from './store-metrics.ts'

type StoreConfig = Pick<MediaConfig, 'mediaStore' | 'mediaFolder' | 'mediaBucket' | 'gcsEndpoint'>

/** Creates the store that the configuration selects. @throws ConfigError if a setting is missing */
export const createStore = async ({
  mediaStore,
  mediaFolder,
  mediaBucket,
  gcsEndpoint,
}: StoreConfig): Promise<Store> => {
  if (mediaStore === 'folder') {
    if (mediaFolder === undefined) throw new ConfigError('configuration: MEDIA_FOLDER is missing')
    return withMetrics(createFolderStore(mediaFolder))
  }
  if (mediaBucket === undefined) throw new ConfigError('configuration: MEDIA_BUCKET is missing')
  // The client takes memory, so it is loaded only if it is used.
  const { createGcsStore } = await import('./gcs-store.ts')
  return withMetrics(createGcsStore({ bucket: mediaBucket, endpoint: gcsEndpoint }))
}
