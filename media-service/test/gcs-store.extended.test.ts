import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testEnv } from '@clientele/platform/testing/database'
import { Storage } from '@google-cloud/storage'
import { createGcsStore } from '../src/storage/gcs-store.ts'
import { anImage } from './images.ts'
import { bytesOf, form, type Setup, startMedia } from './media-setup.ts'
import { describeStore } from './store-behaviour.ts'

const endpoint = testEnv('TEST_GCS_URL')
const bucket = `media-${randomBytes(6).toString('hex')}`
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'media-store-'))
  await new Storage({ apiEndpoint: endpoint, useAuthWithCustomEndpoint: false, projectId: 'test' }).createBucket(bucket)
})
afterAll(() => rm(folder, { recursive: true, force: true }))

describeStore('bucket', () => createGcsStore({ bucket, endpoint }))

it('ping rejects for an unknown bucket', async () => {
  await expect(createGcsStore({ bucket: 'no-such-bucket', endpoint }).ping()).rejects.toThrow()
})

/** Writes the credentials of a Google service account with a new key. @returns the path */
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

describe('media-service with MEDIA_REDIRECT', () => {
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

  it('GET …/content redirects to a signed URL of the bucket, and returns 401 without token and link', async () => {
    const { body } = await media.user.post('/v1/media', form(await anImage('jpeg', 400, 300)))
    const { status, headers } = await media.anonymous.get(body.variants.thumb)
    expect(status).toBe(302)
    expect(headers.get('cache-control')).toBe('private, max-age=300')
    const location = new URL(headers.get('location') ?? '')
    expect(location.origin).toBe(new URL(endpoint).origin)
    expect(Number(location.searchParams.get('X-Goog-Expires'))).toBeLessThanOrEqual(600)
    const shown = await bytesOf(location.href)
    expect(shown.status).toBe(200)
    expect(shown.bytes.subarray(8, 12).toString()).toBe('WEBP')
    expect((await media.anonymous.get(`/v1/media/${body.id}/content`)).status).toBe(401)
  })
})

describe('media-service with the store gcs', () => {
  let media: Setup
  beforeAll(async () => {
    media = await startMedia(
      { mediaStore: 'gcs', mediaBucket: bucket, gcsEndpoint: endpoint, mediaFolder: join(folder, 'unused') },
      { consuming: false },
    )
  })
  afterAll(() => media.stop())

  it('an image is stored, read, read in part and deleted in the bucket, without any file in the folder', async () => {
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

  it('a refused upload leaves no object in the bucket', async () => {
    const before = await media.keys()
    expect((await media.user.post('/v1/media', form(Buffer.alloc(100_000, 'text')))).status).toBe(415)
    expect((await media.user.post('/v1/media', form(Buffer.alloc(3_000_000, await anImage('png'))))).status).toBe(413)
    // Objects of the test before may be removed only now.
    expect((await media.keys()).filter((key) => !before.includes(key))).toEqual([])
  })
})
