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
const setAge = (id: string, hours: number) =>
  media.db.query('update media set created_at = now() - make_interval(hours => $2) where id = $1', [id, hours])

async function* bytes() {
  yield Buffer.from('left behind')
}
const writeObject = async (key: string, hours: number): Promise<string> => {
  await media.store.write(key, bytes(), { contentType: 'image/jpeg' })
  const at = new Date(Date.now() - hours * hour)
  await utimes(join(media.config.mediaFolder, key), at, at)
  return key
}

describe('Media cleanup', () => {
  it('the cleanup deletes images that nothing has shown for a day, and no others', async () => {
    const [unused, fresh, shown] = [await upload(), await upload(), await upload()]
    await setAge(unused, 25)
    await setAge(fresh, 23)
    await setAge(shown, 48)
    await media.db.query('insert into media_usages values ($1, $2, 1)', [newId(), shown])
    await cleanup()
    expect([await status(unused), await status(fresh), await status(shown)]).toEqual([404, 200, 200])
    await expect(media.tap.next('media.deleted.v1', unused)).resolves.toMatchObject({
      data: { reason: 'unused', actor: { id: 'system:media-service' } },
    })
  })

  it('the cleanup removes objects without a row after a day and unfinished uploads after an hour, and nothing newer', async () => {
    const old = [
      await writeObject(variantKey(newId(), 'original'), 25),
      await writeObject(variantKey(newId(), 'thumb'), 25),
      await writeObject(incomingKey(newId()), 2),
      await writeObject(`part/${newId()}`, 2),
    ]
    const kept = [
      await writeObject(variantKey(newId(), 'original'), 23),
      await writeObject(incomingKey(newId()), 0),
      await writeObject(variantKey(await upload(), 'thumb'), 25),
    ]
    await cleanup()
    const left = await media.keys()
    expect(left).toEqual(expect.arrayContaining(kept))
    expect(left.filter((key) => old.includes(key))).toEqual([])
  })

  it('the cleanup removes remaining objects of deleted images, and their rows after 30 days', async () => {
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
