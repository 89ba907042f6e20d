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

/** A running media-service on a virtual host that customer-service can share. */
export type RunningMedia = {
  url: string
  db: Db
  broker: TestBroker
  /** The number of active uploads. */
  unfinishedUploads(): Promise<number>
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
    mediaMegapixelsPerMinute: 1_000,
    mediaIdleMs: 20_000,
    mediaMaxUploads: 40,
    imageSandbox: 'auto',
    mediaMaxUnused: 1_000,
    mediaMaxUnusedBytes: 1_000_000_000,
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
    unfinishedUploads: async () => {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile() && entry.parentPath.includes('/part')).length
    },
    stop: async () => {
      await service.stop()
      await Promise.all([database.drop(), broker.close(), rm(folder, { recursive: true, force: true })])
    },
  }
}
