import { ConfigError } from '@clientele/platform/runtime/config'
import type { MediaConfig } from '../config.ts'
import { createFolderStore } from './folder-store.ts'
import { measured } from './measured-store.ts'
import type { Store } from './store.ts'

type StoreConfig = Pick<MediaConfig, 'mediaStore' | 'mediaFolder' | 'mediaBucket' | 'gcsEndpoint'>

/** The store that the configuration names. @throws ConfigError */
export const createStore = async ({
  mediaStore,
  mediaFolder,
  mediaBucket,
  gcsEndpoint,
}: StoreConfig): Promise<Store> => {
  if (mediaStore === 'folder') {
    if (mediaFolder === undefined) throw new ConfigError('configuration: MEDIA_FOLDER is missing')
    return measured(createFolderStore(mediaFolder))
  }
  if (mediaBucket === undefined) throw new ConfigError('configuration: MEDIA_BUCKET is missing')
  // Only who uses the client pays for its memory.
  const { createGcsStore } = await import('./gcs-store.ts')
  return measured(createGcsStore({ bucket: mediaBucket, endpoint: gcsEndpoint }))
}
