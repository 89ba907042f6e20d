import { newId } from '@clientele/platform/data/db'
import { eventually } from '@clientele/platform/testing/wait'
import { anEvent, type RunningActivity, startActivity, untilStored } from './start.ts'

let service: RunningActivity
beforeAll(async () => {
  service = await startActivity()
})
afterAll(() => service?.stop())

const publish = async (...events: ReturnType<typeof anEvent>[]) => {
  for (const each of events) expect(await service.broker.publish(each)).toBe('confirmed')
  await untilStored(service, events)
}
const timeline = async (id: string, query = '', as = service.user) => {
  const { status, body } = await as.get(`/v1/customers/${id}/timeline${query}`)
  expect(status).toBe(200)
  return body
}

describe('GET /v1/customers/{id}/timeline', () => {
  it('tells what happened to a customer, its orders and its messages, newest first', async () => {
    const id = newId()
    const created = anEvent(
      'customer.created.v1',
      { name: 'Ana', surname: 'Lovelace', code: 'CUS-000001' },
      { subject: id },
    )
    const placed = anEvent('order.placed.v1', {
      ...{ customerId: id, number: 'ORD-000007', status: 'placed', total: '7.50', currency: 'EUR' },
    })
    const sent = anEvent('notification.skipped.v1', {
      ...{ customerId: id, orderId: placed.subject, orderNumber: 'ORD-000007' },
      ...{ channel: 'sms', status: 'skipped', reason: 'opted_out' },
    })
    const updated = anEvent(
      'customer.updated.v1',
      {
        ...{
          name: 'Ana',
          surname: 'Byron',
          code: 'CUS-000001',
          version: 2,
          address: { city: 'Nairobi', country: 'KE' },
        },
        ...{
          changed: ['surname', 'address'],
          previous: { surname: 'Lovelace', address: { city: 'Paris', country: 'KE' } },
        },
      },
      { subject: id },
    )
    await publish(created, placed, sent, updated, anEvent('customer.created.v1'))
    const { data, page } = await timeline(id)
    const actor = { id: '0190a5c4-6f00-7000-8000-00000000a001', displayName: 'Ana' }
    expect(data).toEqual([
      {
        ...{
          id: updated.id,
          seq: expect.any(Number),
          type: 'customer.updated.v1',
          at: updated.time,
          actor,
          subject: id,
        },
        changes: [
          { field: 'surname', from: 'Lovelace', to: 'Byron' },
          { field: 'address.city', from: 'Paris', to: 'Nairobi' },
        ],
        about: { kind: 'customer', id, label: 'Ana Byron', code: 'CUS-000001' },
        redacted: false,
      },
      expect.objectContaining({
        type: 'notification.skipped.v1',
        about: {
          ...{ kind: 'notification', id: sent.subject, label: 'ORD-000007', channel: 'sms', status: 'skipped' },
          ...{ reason: 'opted_out', orderNumber: 'ORD-000007' },
        },
      }),
      expect.objectContaining({
        ...{ type: 'order.placed.v1', changes: [] },
        about: {
          ...{ kind: 'order', id: placed.subject, label: 'ORD-000007', number: 'ORD-000007' },
          ...{ total: '7.50', currency: 'EUR', status: 'placed' },
        },
      }),
      expect.objectContaining({ type: 'customer.created.v1', id: created.id }),
    ])
    expect(page).toMatchObject({ total: 4, totalRelation: 'eq', nextCursor: null })
  })

  it('pages without a gap or a repetition, while events are added', async () => {
    const id = newId()
    const versions = (from: number) =>
      [0, 1, 2].map((each) => anEvent('customer.updated.v1', { version: from + each }, { subject: id }))
    await publish(...versions(1))
    const first = await timeline(id, '?limit=2')
    await publish(...versions(4))
    const second = await timeline(id, `?limit=2&cursor=${first.page.nextCursor}`)
    const events = await service.db.query<{ seq: number }>('select seq from events where subject = $1 order by seq', [
      id,
    ])
    const seqs = events.map(({ seq }) => seq)
    expect([...first.data, ...second.data].map(({ seq }) => seq)).toEqual([seqs[2], seqs[1], seqs[0]])
    expect(second.page.nextCursor).toBeNull()
  })

  it('filters by types and kinds', async () => {
    const id = newId()
    const order = { customerId: id, number: 'ORD-000008' }
    await publish(
      anEvent('customer.created.v1', {}, { subject: id }),
      anEvent('order.placed.v1', order),
      anEvent('order.cancelled.v1', order),
      anEvent('notification.sent.v1', { customerId: id }),
    )
    const types = async (type: string) =>
      (await timeline(id, `?type=${type}`)).data.map((event: { type: string }) => event.type)
    expect(await types('order.*')).toEqual(['order.cancelled.v1', 'order.placed.v1'])
    expect(await types('customer.created.v1,notification.*')).toEqual(['notification.sent.v1', 'customer.created.v1'])
    expect(await types('customer.purged.v1')).toEqual([])
  })

  it('is empty for a customer that it knows nothing of', async () => {
    expect(await timeline(newId())).toMatchObject({ data: [], page: { total: 0 } })
    expect((await service.user.get(`/v1/customers/${newId()}/editors`)).status).toBe(404)
  })

  it('finds the customer whatever the case of its id', async () => {
    const id = newId()
    await publish(anEvent('customer.created.v1', {}, { subject: id }))
    expect((await timeline(id.toUpperCase())).data).toHaveLength(1)
  })

  it.each([
    ['an unknown kind', 'type=robot.*', /type: has an unknown event type: "robot\.\*". Known are customer\.\*, /],
    ['an unknown type', 'type=order.walked.v1', /Known are order\.\*, order\.placed\.v1, /],
    ['an empty type', 'type=', /unknown event type/],
    ['too many types', `type=${Array.from({ length: 51 }, () => 'order.*').join(',')}`, /at most 50/],
    ['a thousand types', Array.from({ length: 1_000 }, () => 'type=order.*').join('&'), /more than once/],
    ['a parameter of the audit', 'at=2026-01-01', /at: is not a known parameter/],
    ['a cursor of another list', 'cursor=7', /cursor: is not a cursor/],
    ['a limit that is too high', 'limit=201', /from 1 to 200/],
  ])('responds with 400 to %s', async (_name, query, detail) => {
    const { status, body } = await service.user.get(`/v1/customers/${newId()}/timeline?${query}`)
    expect({ status, detail: body.detail }).toEqual({ status: 400, detail: expect.stringMatching(detail) })
  })

  it('shows admins, and only them, that the events of a purged customer were redacted', async () => {
    const id = newId()
    await publish(
      anEvent('customer.created.v1', { name: 'Zuleika' }, { subject: id }),
      anEvent('order.placed.v1', { customerId: id, number: 'ORD-000009', status: 'placed', total: '3.00', note: 'x' }),
      anEvent('customer.purged.v1', {}, { subject: id }),
    )
    await eventually(async () => expect((await timeline(id, '', service.admin)).data).toHaveLength(4))
    const [redacted, purged, order, created] = (await timeline(id, '', service.admin)).data
    expect(redacted).toMatchObject({
      type: 'audit.redacted.v1',
      subject: id,
      actor: { displayName: 'activity-service' },
    })
    expect(purged).toMatchObject({ type: 'customer.purged.v1', redacted: false })
    expect(order).toMatchObject({
      ...{ redacted: true, changes: [], actor: { displayName: null } },
      about: { label: 'ORD-000009', number: 'ORD-000009', total: '3.00', status: 'placed' },
    })
    expect(created).toMatchObject({ redacted: true, about: { kind: 'customer', id, label: null } })
    expect((await timeline(id)).data.map(({ type }: { type: string }) => type)).toEqual([
      ...['customer.purged.v1', 'order.placed.v1', 'customer.created.v1'],
    ])
  })
})
