import { randomUUID } from 'node:crypto'
import { publishersOf } from '@clientele/contracts/broker-accounts'
import type { EventSubscription } from '@clientele/platform/testing/broker'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { tablesWithText } from '../../features/test/find-text.ts'
import { userEvent } from '../../features/test/user-event.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
let tap: EventSubscription
beforeAll(async () => {
  service = await startCustomers()
  tap = await service.broker.subscribe()
})
afterAll(() => service?.stop())

type Envelope = Parameters<typeof service.broker.publish>[0]

const envelope = (type: string, subject: string, data: Record<string, unknown>): Envelope =>
  ({
    specversion: '1.0',
    id: randomUUID(),
    source: `/${publishersOf(type)[0]}`,
    type,
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data,
  }) as Envelope

const publish = async (event: Envelope) => expect(await service.broker.publish(event)).toBe('confirmed')
/** Waits until a consumer has handled an event. */
const waitUntilHandled = (consumer: string, event: Envelope) =>
  eventually(async () => {
    const sql = 'select from inbox where consumer = $1 and event_id = $2'
    expect(await service.db.query(sql, [`customer-service.${consumer}`, event.id])).toHaveLength(1)
  })
const findCustomerOf = async (userId: string) =>
  eventually(async () => {
    const { body } = await service.user.get(`/v1/customers?createdBy=${userId}`)
    expect(body.data).toHaveLength(1)
    return body.data[0]
  })

describe('Display names', () => {
  it('a customer shows the display name of the newest user event, also when events arrive out of order, and no former name of a deleted user is shown or stored', async () => {
    const { id } = await signedInAs('user')
    const { body } = await service.user.post('/v1/customers', aCustomer())
    expect(body.createdBy.displayName).toMatch(/^Test/)
    const shown = async () => (await service.admin.get(`/v1/customers/${body.id}`)).body.createdBy
    await publish(userEvent('user.updated.v1', id, { displayName: 'Third', version: 3 }))
    await eventually(async () => expect(await shown()).toEqual({ id, displayName: 'Third' }))
    await publish(userEvent('user.deleted.v1', id, { displayName: 'Gone', version: 4 }))
    const late = userEvent('user.updated.v1', id, { displayName: 'Second', version: 2 })
    await publish(late)
    await waitUntilHandled('user-names', late)
    expect(await shown()).toEqual({ id, displayName: 'deleted user' })
    const { body: list } = await service.admin.get(`/v1/customers?createdBy=${id}`)
    expect(list.data[0].createdBy.displayName).toBe('deleted user')
    const { body: editors } = await service.admin.get(`/v1/customers/${body.id}/editors`)
    expect(editors.data[0].user).toEqual({ id, displayName: 'deleted user' })
    const names = [body.createdBy.displayName, 'Third']
    await eventually(async () => expect(await tablesWithText(service.db, names)).toEqual([]), { timeoutMs: 20_000 })
  })
})

describe('Sign-up with createCustomer', () => {
  it('a sign-up creates one customer linked to the user, also when its event arrives twice', async () => {
    const id = randomUUID()
    const event = userEvent('user.created.v1', id, { createCustomer: true })
    await publish(event)
    await publish(event)
    const again = userEvent('user.created.v1', id, { createCustomer: true })
    await publish(again)
    const customer = await findCustomerOf(id)
    expect(customer).toMatchObject({
      userId: id,
      name: 'Ana',
      surname: 'Lovelace',
      email: `ana.${id}@example.com`,
      version: 1,
    })
    await tap.next('customer.created.v1', customer.id)
    await waitUntilHandled('sign-ups', again)
    expect((await service.user.get(`/v1/customers?createdBy=${id}`)).body.page.total).toBe(1)
  })

  it('a sign-up without createCustomer creates no customer', async () => {
    const [without, mark] = [randomUUID(), randomUUID()]
    await publish(userEvent('user.created.v1', without))
    await publish(userEvent('user.created.v1', mark, { createCustomer: true }))
    await findCustomerOf(mark)
    expect((await service.user.get(`/v1/customers?createdBy=${without}`)).body.data).toEqual([])
  })

  it('a sign-up creates a customer even if required fields are missing', async () => {
    const id = randomUUID()
    await publish(
      userEvent('user.created.v1', id, { createCustomer: true, name: null, surname: null, displayName: 'ana' }),
    )
    expect(await findCustomerOf(id)).toMatchObject({ name: 'ana', surname: null })
  })

  it('a sign-up with the e-mail of another customer does not change that customer and creates one without an e-mail', async () => {
    const id = randomUUID()
    const { body: other } = await service.user.post('/v1/customers', aCustomer({ email: `ana.${id}@example.com` }))
    await publish(userEvent('user.created.v1', id, { createCustomer: true }))
    expect(await findCustomerOf(id)).toMatchObject({ userId: id, email: null })
    expect((await service.user.get(`/v1/customers/${other.id}`)).body).toEqual(other)
  })
})

describe('Deleted and rejected images', () => {
  const mediaEvent = (type: string, id: string) =>
    envelope(type, id, {
      id,
      mimeType: 'image/jpeg',
      bytes: 1,
      width: 1,
      height: 1,
      sha256: 'x',
      createdAt: new Date().toISOString(),
      createdBy: { id: 'system:media', displayName: 'media' },
      version: 2,
      actor: { id: 'system:media', displayName: 'media' },
      reason: type.includes('rejected') ? 'undecodable' : 'requested',
    })

  it.each(['media.deleted.v1', 'media.rejected.v1'])(
    '%s clears the photo of the customer that shows the image, and no other',
    async (type) => {
      const [removed, other] = [randomUUID(), randomUUID()]
      const { body: first } = await service.user.post('/v1/customers', aCustomer())
      const { body: second } = await service.user.post('/v1/customers', aCustomer())
      await service.db.query('update customers set photo_media_id = $2 where id = $1', [first.id, removed])
      await service.db.query('update customers set photo_media_id = $2 where id = $1', [second.id, other])
      await publish(mediaEvent(type, removed))
      const { data } = await tap.next('customer.updated.v1', first.id)
      expect(data).toMatchObject({
        photoMediaId: null,
        version: 2,
        changed: ['photoMediaId'],
        previous: { photoMediaId: removed },
      })
      expect((await service.user.get(`/v1/customers/${second.id}`)).body).toMatchObject({
        photoMediaId: other,
        version: 1,
      })
    },
  )
})
