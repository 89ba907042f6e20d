import { generateKeyPairSync, randomBytes } from 'node:crypto'
import fs from 'node:fs'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import { testEnv } from '@clientele/platform/testing/database'
import { Storage } from '@google-cloud/storage'
import { createStore } from '../src/storage/create-store.ts'
import { createFolderStore } from '../src/storage/folder-store.ts'
import { createGcsStore } from '../src/storage/gcs-store.ts'
import type { Store } from '../src/storage/store.ts'
import { anImage } from './images.ts'
import { bytesOf, form, type Setup, startMedia } from './media-setup.ts'

const endpoint = testEnv('TEST_GCS_URL')
const bucket = `media-${randomBytes(6).toString('hex')}`
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'media-store-'))
  await new Storage({ apiEndpoint: endpoint, useAuthWithCustomEndpoint: false, projectId: 'test' }).createBucket(bucket)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

const contentType = 'application/octet-stream'
const readAll = async (store: Store, key: string): Promise<Buffer> =>
  Buffer.concat((await (await store.read(key))?.toArray()) ?? [])
const listed = async (store: Store, prefix = '') => {
  const keys: string[] = []
  for await (const { key } of store.list(prefix)) keys.push(key)
  return keys.sort()
}

describe.each([
  ['folder', () => createFolderStore(folder)],
  ['gcs', () => createGcsStore({ bucket, endpoint })],
])('the store %s', (_name, make) => {
  let store: Store
  const data = randomBytes(700_000)
  beforeAll(() => {
    store = make()
  })

  it('gives back what was written, whole and in ranges, and lists it', async () => {
    await store.write('aa/bb/one.original', Readable.from([data.subarray(0, 300_000), data.subarray(300_000)]), {
      contentType,
    })
    expect((await readAll(store, 'aa/bb/one.original')).equals(data)).toBe(true)
    const part = await store.read('aa/bb/one.original', { start: 1_000, end: 400_999 })
    expect(Buffer.concat((await part?.toArray()) ?? []).equals(data.subarray(1_000, 401_000))).toBe(true)
    await store.write('cc/two.original', Readable.from([data]), { contentType })
    expect(await listed(store)).toEqual(['aa/bb/one.original', 'cc/two.original'])
    expect(await listed(store, 'aa')).toEqual(['aa/bb/one.original'])
    expect(await listed(store, 'zz')).toEqual([])
    for await (const { modifiedAt } of store.list('')) expect(Math.abs(Date.now() - modifiedAt)).toBeLessThan(60_000)
  })

  it('has nothing where nothing was written, and removes twice', async () => {
    expect(await store.read('aa/none')).toBeUndefined()
    await store.write('aa/gone', Readable.from([data]), { contentType })
    await store.remove('aa/gone')
    await store.remove('aa/gone')
    expect(await store.read('aa/gone')).toBeUndefined()
  })

  it('replaces an object where that is asked for', async () => {
    await store.write('aa/twice', Readable.from([data]), { contentType })
    await store.write('aa/twice', Readable.from([Buffer.from('new')]), { contentType, replace: true })
    expect((await readAll(store, 'aa/twice')).toString()).toBe('new')
  })

  it('has no object of a write that failed or was aborted', async () => {
    const failing = async function* () {
      yield data
      throw new Error('the source failed')
    }
    await expect(store.write('aa/failed', failing(), { contentType })).rejects.toThrow('the source failed')
    const ended = new AbortController()
    const endless = async function* () {
      yield data
      ended.abort()
      for (;;) yield data
    }
    await expect(store.write('aa/aborted', endless(), { contentType, signal: ended.signal })).rejects.toThrow()
    expect(await store.read('aa/failed')).toBeUndefined()
    expect(await store.read('aa/aborted')).toBeUndefined()
    expect(await listed(store, 'part')).toEqual([])
  })

  it('leaves nothing half written where the source fails before a slow disk has the file', async () => {
    const refused = async function* () {
      yield await Promise.reject<Buffer>(new Error('refused'))
    }
    const { open } = fs
    const slowOpen = import.meta.jest.spyOn(fs, 'open').mockImplementation(((...args: Parameters<typeof open>) => {
      setTimeout(() => open(...args), 50)
    }) as typeof open)
    await expect(store.write('aa/refused', refused(), { contentType })).rejects.toThrow('refused')
    await pause(200)
    slowOpen.mockRestore()
    expect(await listed(store, 'part')).toEqual([])
    expect(await store.read('aa/refused')).toBeUndefined()
  })

  it.each(['../x', '/etc/passwd', 'a/../../x', 'a//b', '', '.', 'a\0b', 'A', 'a/.hidden', `${'a/'.repeat(9)}a`])(
    'refuses the key %j',
    async (key) => {
      await expect((async () => store.read(key))()).rejects.toThrow('not a storage key')
      await expect(store.write(key, Readable.from([data]), { contentType })).rejects.toThrow('not a storage key')
    },
  )

  it('answers a ping, and rejects it where it cannot work', async () => {
    await expect(store.ping()).resolves.toBeUndefined()
  })
})

describe('the choice of a store', () => {
  it('names what is missing', async () => {
    const none = { mediaFolder: undefined, mediaBucket: undefined, gcsEndpoint: undefined }
    await expect(createStore({ mediaStore: 'folder', ...none })).rejects.toThrow('MEDIA_FOLDER is missing')
    await expect(createStore({ mediaStore: 'gcs', ...none })).rejects.toThrow('MEDIA_BUCKET is missing')
  })

  it('a folder that cannot be made and a bucket that is not there are not ready', async () => {
    await expect(createFolderStore('/dev/null/media').ping()).rejects.toThrow()
    await expect(createGcsStore({ bucket: 'no-such-bucket', endpoint }).ping()).rejects.toThrow()
  })
})

/** A service account as Google gives them, with a key made here. */
const serviceAccount = async (): Promise<string> => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const path = join(folder, 'service-account.json')
  const account = {
    type: 'service_account',
    project_id: 'test',
    client_email: 'media@test.iam.gserviceaccount.com',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  }
  await writeFile(path, JSON.stringify(account))
  return path
}

describe('the service that sends readers to the bucket', () => {
  let media: Setup
  beforeAll(async () => {
    process.env['GOOGLE_APPLICATION_CREDENTIALS'] = await serviceAccount()
    media = await startMedia(
      { mediaStore: 'gcs', mediaBucket: bucket, gcsEndpoint: endpoint, mediaRedirect: true },
      { consuming: false },
    )
  })
  afterAll(async () => {
    delete process.env['GOOGLE_APPLICATION_CREDENTIALS']
    await media.stop()
  })

  it('GET …/content answers 302 to a signed address that shows the image, and 401 without a right to it', async () => {
    const { body } = await media.user.post('/v1/media', form(await anImage('jpeg', 400, 300)))
    const { status, headers } = await media.anybody.get(body.variants.thumb)
    expect(status).toBe(302)
    expect(headers.get('cache-control')).toBe('private, max-age=300')
    const location = new URL(headers.get('location') ?? '')
    expect(location.origin).toBe(new URL(endpoint).origin)
    expect(Number(location.searchParams.get('X-Goog-Expires'))).toBeLessThanOrEqual(600)
    const shown = await bytesOf(location.href)
    expect(shown.status).toBe(200)
    expect(shown.bytes.subarray(8, 12).toString()).toBe('WEBP')
    expect((await media.anybody.get(`/v1/media/${body.id}/content`)).status).toBe(401)
  })
})

describe('the service on the store gcs', () => {
  let media: Setup
  beforeAll(async () => {
    media = await startMedia(
      { mediaStore: 'gcs', mediaBucket: bucket, gcsEndpoint: endpoint, mediaFolder: join(folder, 'unused') },
      { consuming: false },
    )
  })
  afterAll(() => media.stop())

  it('stores, shows, shows in part and deletes; nothing touches a folder (S1-10)', async () => {
    const { status, body } = await media.user.post('/v1/media', form(await anImage('jpeg', 400, 300)))
    expect(status).toBe(201)
    const whole = await bytesOf(`${media.service.url}${body.url}`)
    expect(whole.bytes.length).toBe(body.bytes)
    const part = await bytesOf(`${media.service.url}${body.url}`, { range: 'bytes=10-19' })
    expect(part.bytes.equals(whole.bytes.subarray(10, 20))).toBe(true)
    expect((await bytesOf(`${media.service.url}${body.variants.thumb}`)).headers.get('content-type')).toBe('image/webp')
    const own = async () => (await media.keys()).filter((key) => key.includes(body.id))
    expect(await own()).toHaveLength(2)
    expect((await media.user.delete(`/v1/media/${body.id}`)).status).toBe(204)
    expect((await media.user.get(`/v1/media/${body.id}/content`)).status).toBe(404)
    await expect(readdir(join(folder, 'unused'))).rejects.toThrow('ENOENT')
  })

  it('a refused upload leaves nothing in the bucket', async () => {
    const before = await media.keys()
    expect((await media.user.post('/v1/media', form(Buffer.alloc(100_000, 'text')))).status).toBe(415)
    expect((await media.user.post('/v1/media', form(Buffer.alloc(3_000_000, await anImage('png'))))).status).toBe(413)
    expect(await media.keys()).toEqual(before)
  })
})
