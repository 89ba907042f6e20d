import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { userEvent } from '../../features/test/user-event.ts'
import { createImportClient, csv } from './import-client.ts'
import { type Running, startCustomers } from './start.ts'

let service: Running
let userId: string
beforeAll(async () => {
  service = await startCustomers()
  userId = (await signedInAs('user')).id
})
afterAll(() => service?.stop())

let version = 1
const publishUser = async (type: string, fields: Record<string, unknown> = {}) => {
  version += 1
  expect(await service.broker.publish(userEvent(type, userId, { version, ...fields }))).toBe('confirmed')
}
const lostAccess = { code: 'owner_lost_access', message: expect.stringContaining('an admin can continue or undo it') }
const countCustomers = async () =>
  Number((await service.db.query<{ n: string }>('select count(*) n from customers where deleted_at is null'))[0]?.n)

describe('An import of a user who loses access', () => {
  it('stops between two batches, tells what it wrote and why it stopped, and an admin can undo it', async () => {
    const files = createImportClient(service.user)
    const rows = 20_000
    const checked = await files.check(csv(Array.from({ length: rows }, (_, n) => ({ name: `n${n}`, surname: 'Row' }))))
    const { body: job } = await service.user.post(`/v1/imports/${checked.id}/commit`)
    await eventually(async () => expect((await files.get(checked.id)).counts.created).toBeGreaterThan(0))
    await publishUser('user.disabled.v1', { enabled: false })
    const ended = await files.job(job.id)
    expect(ended).toMatchObject({ status: 'cancelled', error: lostAccess })
    const created = ended.counts['created'] ?? 0
    expect(created).toBeLessThan(rows)
    expect(await countCustomers()).toBe(created)

    await publishUser('user.enabled.v1')
    for (const client of [service.user, service.admin])
      expect((await client.get(`/v1/imports/${checked.id}`)).body).toMatchObject({
        status: 'cancelled',
        error: lostAccess,
        counts: { created },
      })
    const undo = await createImportClient(service.admin).undo(checked.id)
    expect(undo).toMatchObject({ status: 'succeeded', counts: { removed: created } })
    expect(await countCustomers()).toBe(0)
  }, 60_000)

  it.each([
    ['user.role_revoked.v1', { roles: [], role: 'user' }],
    ['user.deleted.v1', { enabled: false }],
  ])('exports of a user are cancelled after %s', async (type, fields) => {
    await publishUser('user.updated.v1')
    const { body: first } = await service.user.post('/v1/exports', { format: 'csv' })
    await publishUser(type, fields)
    // Each new job is cancelled when it is claimed, once the event has been handled.
    await eventually(async () => {
      const { headers } = await service.user.post('/v1/exports', { format: 'csv' })
      const job = await createImportClient(service.user).job(headers.get('location')?.split('/').at(-1) ?? '')
      expect(job).toMatchObject({ status: 'cancelled', error: lostAccess, resultUrl: null })
    })
    expect(['succeeded', 'cancelled']).toContain((await createImportClient(service.user).job(first.id)).status)
  })
})
