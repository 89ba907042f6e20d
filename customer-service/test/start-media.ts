import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectDb, type Db } from '@clientele/platform/data/db'
import { startService } from '@clientele/platform/service/service'
import { type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { testDatabase } from '@clientele/platform/testing/database'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { createApp } from '../../media-service/src/app.ts'
import type { MediaConfig } from '../../media-service/src/config.ts'
import { migrations } from '../../media-service/src/migrations.ts'
import { createStore } from '../../media-service/src/storage/create-store.ts'
import { mediaSigningKey } from './start.ts'

/** A media-service on the virtual host that customers share with it. */
export type RunningMedia = {
  url: string
  db: Db
  broker: TestBroker /** Uploads that are on their way. */
  unfinished(): Promise<number>
  stop(): Promise<void>
}

export const startMedia = async (): Promise<RunningMedia> => {
  const [database, broker, folder] = await Promise.all([
    testDatabase({ schema: 'media', migrations }),
    testBroker(),
    mkdtemp(join(tmpdir(), 'customer-photos-')),
  ])
  const config: MediaConfig = {
    ...testConfig({ rabbitmqUrl: broker.url }),
    ...database.config,
    mediaStore: 'folder',
    mediaFolder: folder,
    mediaRedirect: false,
    mediaSigningKey,
    mediaSigningKeysAccepted: [],
    mediaLinkTtlSeconds: 3_600,
    mediaMaxBytes: 1_000_000,
    mediaMaxPixels: 10_000_000,
    mediaIdleMs: 20_000,
    mediaMaxUploads: 40,
    mediaSweepIntervalMs: 3_600_000,
  }
  const log = testLog()
  const db = await connectDb(config, 'media')
  const store = await createStore(config)
  const parts = createApp({ config, db, verifier: testVerifier(config), log, store })
  const service = await startService({ ...parts, name: 'media-service', config, db, log, migrations })
  return {
    url: service.url,
    db,
    broker,
    unfinished: async () => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile() && entry.parentPath.includes('/part')).length
    },
    stop: async () => {
      await service.stop()
      await Promise.all([database.drop(), broker.close(), rm(folder, { recursive: true, force: true })])
    },
  }
}
