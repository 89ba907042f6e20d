import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { newId } from '@clientele/platform/data/db'
import { incomingKey, variantKey } from '../src/media/media-keys.ts'
import { anImage } from './images.ts'
import { form, type Setup, startMedia } from './media-setup.ts'

let media: Setup
beforeAll(async () => {
  media = await startMedia({}, { consuming: false })
})
afterAll(() => media.stop())

const hour = 3_600_000
const cleanup = () => media.cleanup(new AbortController().signal)
const upload = async (): Promise<string> => (await media.user.post('/v1/media', form(await anImage('jpeg')))).body.id
const status = async (id: string) => (await media.user.get(`/v1/media/${id}`)).status
const age = (id: string, hours: number) =>
  media.db.query('update media set created_at = now() - make_interval(hours => $2) where id = $1', [id, hours])

async function* bytes() {
  yield Buffer.from('left behind')
}
const leaveObject = async (key: string, hours: number): Promise<string> => {
  await media.store.write(key, bytes(), { contentType: 'image/jpeg' })
  const at = new Date(Date.now() - hours * hour)
  await utimes(join(media.config.mediaFolder, key), at, at)
  return key
}

describe('the cleanup', () => {
  it('removes media that nothing has shown for a day, and no other', async () => {
    const [unused, fresh, shown] = [await upload(), await upload(), await upload()]
    await age(unused, 25)
    await age(fresh, 23)
    await age(shown, 48)
    await media.db.query('insert into media_usages values ($1, $2, 1)', [newId(), shown])
    await cleanup()
    expect([await status(unused), await status(fresh), await status(shown)]).toEqual([404, 200, 200])
    await expect(media.tap.next('media.deleted.v1', unused)).resolves.toMatchObject({
      data: { reason: 'unused', actor: { id: 'system:media-service' } },
    })
  })

  it('removes objects without a row after a day, uncleaned uploads after an hour, and nothing that is newer', async () => {
    const old = [
      await leaveObject(variantKey(newId(), 'original'), 25),
      await leaveObject(variantKey(newId(), 'thumb'), 25),
      await leaveObject(incomingKey(newId()), 2),
      await leaveObject(`part/${newId()}`, 2),
    ]
    const kept = [
      await leaveObject(variantKey(newId(), 'original'), 23),
      await leaveObject(incomingKey(newId()), 0),
      await leaveObject(variantKey(await upload(), 'thumb'), 25),
    ]
    await cleanup()
    const left = await media.keys()
    expect(left).toEqual(expect.arrayContaining(kept))
    expect(left.filter((key) => old.includes(key))).toEqual([])
  })

  it('removes what a deletion could not remove at once, and forgets the row after 30 days', async () => {
    const id = await upload()
    await media.db.query('update media set deleted_at = now(), version = 2 where id = $1', [id])
    expect(await media.keys()).toContain(variantKey(id, 'original'))
    await cleanup()
    expect(await media.keys()).not.toContain(variantKey(id, 'original'))
    const rows = () => media.db.query('select 1 from media where id = $1', [id])
    expect(await rows()).toHaveLength(1)
    await media.db.query(`update media set cleared_at = now() - interval '31 days' where id = $1`, [id])
    await cleanup()
    expect(await rows()).toHaveLength(0)
  })
})
