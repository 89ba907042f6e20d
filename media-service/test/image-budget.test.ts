import { client } from '@clientele/platform/testing/client'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { anImage } from './images.ts'
import { form, type Setup, startMedia } from './media-setup.ts'

/** Enough for one image of 60 × 40 pixels and for the next one to start, but not for a third. */
const megapixels = 0.003

let media: Setup
beforeAll(async () => {
  media = await startMedia({ mediaMegapixelsPerMinute: megapixels }, { consuming: false })
})
afterAll(() => media.stop())

const newUser = async () => {
  const { token } = await createSignedInUser(['user'])
  return (image: Uint8Array) => client(media.service.url, token).post('/v1/media', form(image))
}

describe('The budget of megapixels', () => {
  it('a user who has uploaded too many megapixels in a minute gets 429, and another user does not', async () => {
    const image = await anImage('jpeg')
    const [upload, uploadOfOther] = await Promise.all([newUser(), newUser()])
    expect([(await upload(image)).status, (await upload(image)).status]).toEqual([201, 201])
    const { body, headers } = await upload(image)
    expect(body).toMatchObject({
      status: 429,
      code: 'rate_limited',
      detail: 'budget of images used up: 0.003 megapixels a minute for each user',
    })
    const retryAfter = Number(headers.get('retry-after'))
    expect([retryAfter > 0, retryAfter <= 60]).toEqual([true, true])
    expect((await uploadOfOther(image)).status).toBe(201)
  })

  it('uploads that wait for their turns are refused too, and leave nothing behind', async () => {
    const image = await anImage('png')
    const upload = await newUser()
    const before = (await media.keys()).length
    const responses = await Promise.all(Array.from({ length: 6 }, () => upload(image)))
    expect(responses.map(({ status }) => status).sort()).toEqual([201, 201, 429, 429, 429, 429])
    expect(await media.keys()).toHaveLength(before + 2)
  })

  it('images that turn out to be damaged while they are decoded are charged', async () => {
    const image = await anImage('png')
    const damaged = image.subarray(0, image.length - 40)
    const upload = await newUser()
    expect([(await upload(damaged)).status, (await upload(damaged)).status]).toEqual([422, 422])
    expect((await upload(image)).status).toBe(429)
  })
})
