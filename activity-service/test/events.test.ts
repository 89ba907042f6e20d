import { asOwner } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import { anEvent, type RunningActivity, recorded, startActivity, untilRecorded } from './start.ts'

let service: RunningActivity

beforeEach(async () => {
  service = await startActivity()
})
afterEach(() => service?.stop())

const publish = async (events: ReturnType<typeof anEvent>[], headers = {}) => {
  for (const each of events) expect(await service.broker.publish(each, headers)).toBe('confirmed')
}

it('records an event of any type as it arrived, with its number, class, actor and refs', async () => {
  const customerId = '0190a5c4-6f00-7000-8000-0000000000c1'
  const placed = anEvent('order.placed.v1', { customerId, number: 'ORD-000001', total: '7.00', note: 'for Ana' })
  await publish([placed, anEvent('product.stock_changed.v1')])
  const [order, stock] = await untilRecorded(service, 2)
  expect(order).toMatchObject({ seq: 1, class: 'lasting', eventId: placed.id, subject: placed.subject, version: 1 })
  expect(order?.body).toBe(JSON.stringify(placed))
  expect(JSON.parse(order?.about ?? '')).toEqual({ number: 'ORD-000001', total: '7.00' })
  expect(stock).toMatchObject({ seq: 2, class: 'passing', about: null })
  const refs = await service.db.query('select ref from event_refs where seq = 1 order by ref')
  expect(refs.map((row) => (row as { ref: string }).ref)).toEqual([customerId, placed.subject].sort())
})

it('records events of later releases, whose type it does not know', async () => {
  await publish([anEvent('robot.walked.v3', { steps: 7 })])
  expect(await untilRecorded(service, 1)).toMatchObject([{ type: 'robot.walked.v3', class: 'passing' }])
})

it('records an event that arrives twice once', async () => {
  const event = anEvent('customer.created.v1')
  await publish([event, event])
  await publish([event, anEvent('customer.created.v1')])
  expect(await untilRecorded(service, 2)).toMatchObject([{ eventId: event.id }, {}])
})

it('notes which events are of imports', async () => {
  await publish([anEvent('customer.created.v1')], { bulk: true })
  await publish([anEvent('customer.created.v1')])
  expect((await untilRecorded(service, 2)).map(({ bulk }) => bulk)).toEqual([true, false])
})

it('keeps messages that are no events, or of foreign senders, and goes on', async () => {
  const foreign = { ...anEvent('customer.created.v1'), source: '/order-service' }
  await service.broker.publishRaw('customer.created.v1', Buffer.from([0xff, 0xfe, 0x00]))
  await service.broker.publishRaw('customer.created.v1', Buffer.from('{"specversion":"1.0","id":"7"}'))
  await publish([foreign, anEvent('customer.created.v1')])
  await untilRecorded(service, 1)
  const rows = await service.db.query<{ content: Buffer; reason: string }>(
    'select content, reason from unreadable_messages order by id',
  )
  expect(rows.map(({ reason }) => reason)).toEqual([
    'not JSON in UTF-8',
    expect.stringContaining('/id invalid_format'),
    'source is not customer-service',
  ])
  expect(rows[0]?.content).toEqual(Buffer.from([0xff, 0xfe, 0x00]))
})

it('chains an event whose id has capital letters', async () => {
  await publish([anEvent('customer.created.v1', {}, { id: '0190A5C4-6F00-7000-8000-0000000000AB' })])
  await untilRecorded(service, 1)
  expect((await service.admin.get('/v1/audit/verify')).body).toMatchObject({ checked: 1, ok: true })
})

it('goes on after what the database cannot store as text', async () => {
  const nul = anEvent('customer.created.v1', { actor: { id: 'a\0b', displayName: 'Ana' }, name: 'Ana\0' })
  await service.broker.publishRaw('customer\0.created.v1', Buffer.from('{'))
  await publish([nul, anEvent('customer.created.v1', { name: 'Ben \ud800' })])
  const [first] = await untilRecorded(service, 2)
  expect(first?.body).toBe(JSON.stringify(nul))
  expect(await service.db.query('select actor_id, seq from events order by seq limit 1')).toEqual([
    { actor_id: null, seq: 1 },
  ])
  expect((await service.admin.get('/v1/audit/verify')).body).toMatchObject({ checked: 2, ok: true })
  expect((await service.admin.get('/v1/audit')).status).toBe(200)
})

it('orders events that arrive together by their time, and those of one subject as they arrived', async () => {
  // Keeps the first event in its transaction, so that the others arrive together.
  const locked = await service.db.sequelize.transaction()
  await service.db.query('select from head for update', [], { tx: locked })
  await publish([anEvent('customer.created.v1')])
  const at = Date.now()
  const subject = '0190a5c4-6f00-7000-8000-0000000000c2'
  const later = anEvent('order.placed.v1', {}, { at: at + 5 })
  const earlier = anEvent('customer.updated.v1', {}, { at: at - 5 })
  const second = anEvent('customer.updated.v1', { version: 2 }, { subject, at: at + 1 })
  const third = anEvent('customer.updated.v1', { version: 3 }, { subject, at })
  await publish([later, second, third, earlier])
  await eventually(async () => expect(await service.broker.messageCount('activity-service.events')).toBe(0))
  await locked.commit()
  const rows = await untilRecorded(service, 5)
  expect(rows.slice(1).map(({ eventId }) => eventId)).toEqual([earlier.id, second.id, third.id, later.id])
})

/** How many events the process has tried to record again. */
const countRetried = async (): Promise<number> => {
  const metrics = await (await fetch(`${service.internalUrl}/metrics`)).text()
  const line = /consumer_events_total\{queue="activity-service.events",outcome="retried"\} (\d+)/.exec(metrics)
  return Number(line?.[1])
}

it('holds events while the database refuses them, and records them in their order afterwards', async () => {
  const retriedBefore = await countRetried()
  await asOwner(service.database, 'alter table event_refs rename to refs_away')
  const events = Array.from({ length: 20 }, (_, index) => anEvent('customer.updated.v1', { version: index + 1 }))
  await publish(events)
  await eventually(async () => expect(await countRetried()).toBeGreaterThan(retriedBefore))
  expect(await recorded(service)).toEqual([])
  await asOwner(service.database, 'alter table refs_away rename to event_refs')
  expect((await untilRecorded(service, 20)).map(({ eventId }) => eventId)).toEqual(events.map(({ id }) => id))
  expect(await service.broker.messageCount('activity-service.events.dead')).toBe(0)
})

it('lets one of two replicas record, and the other go on when its connection is cut', async () => {
  const replica = await service.startReplica()
  const count = 300
  const events = Array.from({ length: count }, (_, index) =>
    anEvent('customer.updated.v1', { version: index + 1 }, { subject: '0190a5c4-6f00-7000-8000-0000000000c3' }),
  )
  for (const [index, each] of events.entries()) {
    await publish([each])
    if (index % 100 === 50) await service.broker.closeConnections('activity-service')
  }
  const rows = await untilRecorded(service, count)
  expect(rows.map(({ version }) => version)).toEqual(events.map(({ data }) => data['version']))
  expect(rows.map(({ seq }) => seq)).toEqual(rows.map((_, index) => index + 1))
  await replica.stop()
})

it('empties what was recorded about a customer when it is purged, and what comes later', async () => {
  const customerId = '0190a5c4-6f00-7000-8000-0000000000c4'
  const personal = { name: 'Zuleika', note: 'Zuleika asks for a receipt' }
  await publish([
    anEvent('customer.created.v1', personal, { subject: customerId }),
    anEvent('order.placed.v1', { customerId, number: 'ORD-000002', ...personal }),
    anEvent('customer.created.v1', { name: 'Omar' }),
  ])
  await untilRecorded(service, 3)
  await publish([anEvent('customer.purged.v1', {}, { subject: customerId })])
  await publish([anEvent('order.updated.v1', { customerId, number: 'ORD-000002', ...personal })])
  // The redaction is an event of its own, which comes back over the broker.
  const rows = await untilRecorded(service, 6)
  const find = (type: string, body: string) => rows.find((row) => row.type === type && row.body?.includes(body))
  expect(rows.filter(({ body }) => body?.includes('Zuleika'))).toEqual([])
  expect(find('customer.created.v1', 'Omar')).toBeDefined()
  expect(rows.find(({ type }) => type === 'audit.redacted.v1')).toMatchObject({ subject: customerId })
  expect(rows.filter(({ about }) => about?.includes('ORD-000002'))).toHaveLength(2)
})
