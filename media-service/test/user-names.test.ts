import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { tablesWithText } from '../../features/test/find-text.ts'
import { userEvent } from '../../features/test/user-event.ts'
import { anImage } from './images.ts'
import { form, type Setup, startMedia } from './media-setup.ts'

let media: Setup
beforeAll(async () => {
  media = await startMedia()
})
afterAll(() => media.stop())

it('an image shows the new name of its user, and after a deletion neither name is shown or stored any more', async () => {
  const { id: userId } = await signedInAs('user')
  const { body } = await media.user.post('/v1/media', form(await anImage('jpeg', 40, 30)))
  const shown = async () => (await media.user.get(`/v1/media/${body.id}`)).body.createdBy
  expect(await shown()).toEqual(body.createdBy)
  expect(await tablesWithText(media.db, [body.createdBy.displayName])).toContain('media')
  await media.broker.publish(userEvent('user.updated.v1', userId, { displayName: 'Zerafina Quill', version: 2 }))
  await eventually(async () => expect(await shown()).toEqual({ id: userId, displayName: 'Zerafina Quill' }))
  await media.broker.publish(userEvent('user.deleted.v1', userId, { displayName: 'Zerafina Quill', version: 3 }))
  await eventually(async () => expect(await shown()).toEqual({ id: userId, displayName: 'deleted user' }))
  await eventually(async () =>
    expect(await tablesWithText(media.db, [body.createdBy.displayName, 'Zerafina', 'Quill'])).toEqual([]),
  )
})
