import { randomUUID } from 'node:crypto'
import type { Tap } from '@clientele/platform/testing/broker'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
let tap: Tap
beforeAll(async () => {
  service = await startCustomers()
  tap = await service.broker.tap()
})
afterAll(() => service?.stop())

type Envelope = Parameters<typeof service.broker.publish>[0]

const envelope = (type: string, subject: string, data: Record<string, unknown>): Envelope =>
  ({
    specversion: '1.0',
    id: randomUUID(),
    source: '/test',
    type,
    subject,
    time: new Date().toISOString(),
    datacontenttype: 'application/json',
    data,
  }) as Envelope

const userEvent = (type: string, id: string, fields: Record<string, unknown> = {}) =>
  envelope(type, id, {
    id,
    username: 'ana',
    email: `ana.${id}@example.com`,
    emailVerified: false,
    name: 'Ana',
    surname: 'Lovelace',
    displayName: 'Ana Lovelace',
    roles: ['user'],
    enabled: true,
    createdAt: new Date().toISOString(),
    lastLoginAt: null,
    version: 1,
    actor: { id, displayName: 'Ana Lovelace' },
    ...fields,
  })

const publish = async (event: Envelope) => expect(await service.broker.publish(event)).toBe('confirmed')
/** Waits until a consumer is done with an event. */
const handled = (consumer: string, event: Envelope) =>
  eventually(async () => {
    const sql = 'select from inbox where consumer = $1 and event_id = $2'
    expect(await service.db.query(sql, [`customer-service.${consumer}`, event.id])).toHaveLength(1)
  })
const customerOf = async (userId: string) =>
  eventually(async () => {
    const { body } = await service.user.get(`/v1/customers?createdBy=${userId}`)
    expect(body.data).toHaveLength(1)
    return body.data[0]
  })

describe('display names (S1-11, S1-13, X12)', () => {
  it('come from the events of users, newest first, whatever order they come in, and outlive the user', async () => {
    const { id } = await tokenFor('user')
    const { body } = await service.user.post('/v1/customers', aCustomer())
    expect(body.createdBy.displayName).toMatch(/^Test/)
    const shown = async () => (await service.admin.get(`/v1/customers/${body.id}`)).body.createdBy
    await publish(userEvent('user.updated.v1', id, { displayName: 'Third', version: 3 }))
    await eventually(async () => expect(await shown()).toEqual({ id, displayName: 'Third' }))
    await publish(userEvent('user.deleted.v1', id, { displayName: 'Gone', version: 4 }))
    const late = userEvent('user.updated.v1', id, { displayName: 'Second', version: 2 })
    await publish(late)
    await handled('user-names', late)
    expect(await shown()).toEqual({ id, displayName: 'Gone' })
    const { body: list } = await service.admin.get(`/v1/customers?createdBy=${id}`)
    expect(list.data[0].createdBy.displayName).toBe('Gone')
  })
})

describe('sign-up with createCustomer (S4-21)', () => {
  it('makes one customer linked to the user, also when the event comes twice', async () => {
    const id = randomUUID()
    const event = userEvent('user.created.v1', id, { createCustomer: true })
    await publish(event)
    await publish(event)
    const again = userEvent('user.created.v1', id, { createCustomer: true })
    await publish(again)
    const customer = await customerOf(id)
    expect(customer).toMatchObject({
      userId: id,
      name: 'Ana',
      surname: 'Lovelace',
      email: `ana.${id}@example.com`,
      version: 1,
    })
    await tap.next('customer.created.v1', customer.id)
    await handled('sign-ups', again)
    expect((await service.user.get(`/v1/customers?createdBy=${id}`)).body.page.total).toBe(1)
  })

  it('makes none without createCustomer', async () => {
    const [without, mark] = [randomUUID(), randomUUID()]
    await publish(userEvent('user.created.v1', without))
    await publish(userEvent('user.created.v1', mark, { createCustomer: true }))
    await customerOf(mark)
    expect((await service.user.get(`/v1/customers?createdBy=${without}`)).body.data).toEqual([])
  })

  it('is not held back by required fields', async () => {
    const id = randomUUID()
    await publish(
      userEvent('user.created.v1', id, { createCustomer: true, name: null, surname: null, displayName: 'ana' }),
    )
    expect(await customerOf(id)).toMatchObject({ name: 'ana', surname: null })
  })

  it('leaves the customer who has the address alone, and makes one without an e-mail', async () => {
    const id = randomUUID()
    const { body: other } = await service.user.post('/v1/customers', aCustomer({ email: `ana.${id}@example.com` }))
    await publish(userEvent('user.created.v1', id, { createCustomer: true }))
    expect(await customerOf(id)).toMatchObject({ userId: id, email: null })
    expect((await service.user.get(`/v1/customers/${other.id}`)).body).toEqual(other)
  })
})

describe('media that are gone', () => {
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
    '%s clears the photo of who has it, and of nobody else',
    async (type) => {
      const [gone, kept] = [randomUUID(), randomUUID()]
      const { body: first } = await service.user.post('/v1/customers', aCustomer())
      const { body: second } = await service.user.post('/v1/customers', aCustomer())
      await service.db.query('update customers set photo_media_id = $2 where id = $1', [first.id, gone])
      await service.db.query('update customers set photo_media_id = $2 where id = $1', [second.id, kept])
      await publish(mediaEvent(type, gone))
      const { data } = await tap.next('customer.updated.v1', first.id)
      expect(data).toMatchObject({
        photoMediaId: null,
        version: 2,
        changed: ['photoMediaId'],
        previous: { photoMediaId: gone },
      })
      expect((await service.user.get(`/v1/customers/${second.id}`)).body).toMatchObject({
        photoMediaId: kept,
        version: 1,
      })
    },
  )
})
