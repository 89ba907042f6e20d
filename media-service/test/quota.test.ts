import { newId } from '@clientele/platform/data/db'
import { client } from '@clientele/platform/testing/client'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { anImage } from './images.ts'
import { form, type Setup, startMedia } from './media-setup.ts'

let media: Setup
beforeAll(async () => {
  media = await startMedia({ mediaMaxUnused: 3 }, { consuming: false })
})
afterAll(() => media.stop())

it('a user with too many images that nothing shows gets 429, until one of them is shown or deleted', async () => {
  const image = await anImage('png')
  const upload = () => media.user.post('/v1/media', form(image))
  const responses = await Promise.all(Array.from({ length: 6 }, upload))
  const stored = responses.filter(({ status }) => status === 201)
  expect(stored).toHaveLength(3)
  const [refused] = responses.filter(({ status }) => status !== 201)
  expect(refused?.body).toMatchObject({
    status: 429,
    code: 'quota_exceeded',
    detail: expect.stringMatching(/3 images/),
  })
  expect(await media.keys()).toHaveLength(3)

  const other = await createSignedInUser(['user'])
  expect((await client(media.service.url, other.token).post('/v1/media', form(image))).status).toBe(201)

  await media.db.query('insert into media_usages values ($1, $2, 1)', [newId(), stored[0]?.body.id])
  expect((await upload()).status).toBe(201)
  expect((await upload()).status).toBe(429)
  await media.user.delete(`/v1/media/${stored[1]?.body.id}`)
  expect((await upload()).status).toBe(201)
})

it('the bytes of images that nothing shows are limited too, and a retry with the same key succeeds when there is room', async () => {
  const image = await anImage('png')
  const small = await startMedia({ mediaMaxUnusedBytes: 1.5 * image.length }, { consuming: false })
  try {
    const key = { 'idempotency-key': 'once' }
    const first = await small.user.post('/v1/media', form(image))
    expect((await small.user.post('/v1/media', form(image), key)).body).toMatchObject({ code: 'quota_exceeded' })
    await small.user.delete(`/v1/media/${first.body.id}`)
    expect((await small.user.post('/v1/media', form(image), key)).status).toBe(201)
  } finally {
    await small.stop()
  }
})
