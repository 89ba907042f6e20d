import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connectDb } from '@clientele/platform/data/db'
import { startService } from '@clientele/platform/service/service'
import { testBroker } from '@clientele/platform/testing/broker'
import { client } from '@clientele/platform/testing/client'
import { testDatabase } from '@clientele/platform/testing/database'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { createApp } from '../src/app.ts'
import type { MediaConfig } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'
import { createStore } from '../src/storage/create-store.ts'

export const signingKey = 'a key of the tests, of more than 32 characters'

const defaults = {
  mediaStore: 'folder' as const,
  mediaRedirect: false,
  mediaSigningKey: signingKey,
  mediaSigningKeysAccepted: [],
  mediaLinkTtlSeconds: 3600,
  mediaMaxBytes: 2_000_000,
  mediaMaxPixels: 100_000_000,
  mediaMegapixelsPerMinute: 1_000,
  mediaIdleMs: 20_000,
  mediaMaxUploads: 40,
  imageSandbox: 'auto',
  mediaMaxUnused: 1_000,
  mediaMaxUnusedBytes: 1_000_000_000,
  mediaSweepIntervalMs: 3_600_000,
} satisfies Partial<MediaConfig>

export type Setup = Awaited<ReturnType<typeof startMedia>>

/** A running media-service with its own database, virtual host and store. */
export const startMedia = async (overrides: Partial<MediaConfig> = {}, { consuming = true } = {}) => {
  const [database, broker, folder, signedIn] = await Promise.all([
    testDatabase({ schema: 'media', migrations }),
    testBroker(),
    mkdtemp(join(tmpdir(), 'media-test-')),
    signedInAs('user'),
  ])
  const tap = await broker.subscribe()
  const base = testConfig({ rabbitmqUrl: broker.url })
  const config = { ...base, ...database.config, ...defaults, mediaFolder: folder, ...overrides }
  const log = testLog()
  const db = await connectDb(config, 'media')
  const store = await createStore(config)
  const verifier = testVerifier(config)
  const { consumers, tasks, ...parts } = createApp({ config, db, verifier, log, store })
  const service = await startService({
    ...parts,
    ...(consuming && { consumers }),
    // Tests run the cleanup by hand.
    tasks: tasks.filter(({ name }) => name !== 'media-sweep'),
    name: 'media-service',
    config,
    db,
    log,
    migrations,
  })
  const keys = async (): Promise<string[]> => {
    const found: string[] = []
    for await (const { key } of store.list('')) found.push(key)
    return found.sort()
  }
  return {
    ...parts,
    config,
    db,
    store,
    service,
    broker,
    tap,
    person: signedIn,
    keys,
    user: client(service.url, signedIn.token),
    anonymous: client(service.url),
    stop: async () => {
      await service.stop()
      await Promise.all([database.drop(), broker.close(), rm(folder, { recursive: true, force: true })])
    },
  }
}

/** A form with one file. Name and type need not fit the content. */
export const form = (
  content: Uint8Array,
  { name = 'file', fileName = 'photo.jpg', type = 'image/jpeg' } = {},
): FormData => {
  const data = new FormData()
  data.append(name, new Blob([new Uint8Array(content)], { type }), fileName)
  return data
}

/** Sends a GET and returns the response with its body as bytes. */
export const bytesOf = async (url: string, headers: Record<string, string> = {}) => {
  const response = await fetch(url, { headers, redirect: 'manual', signal: AbortSignal.timeout(20_000) })
  return { status: response.status, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}
