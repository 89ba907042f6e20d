import { newId } from '@clientele/platform/data/db'
import { asOwner } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import { anEvent, type RunningActivity, recorded, startActivity, untilRecorded, untilStored } from './start.ts'

let service: RunningActivity
beforeEach(async () => {
  service = await startActivity()
})
afterEach(() => service?.stop())

type Event = ReturnType<typeof anEvent>
const publish = async (...events: Event[]) => {
  for (const each of events) expect(await service.broker.publish(each)).toBe('confirmed')
  await untilStored(service, events)
}

/** Everything that the schema holds, as text. Bytes are shown as text too. */
const dump = async (): Promise<string> => {
  const tables = await service.db.query<{ name: string }>(
    `select relname as name from pg_class where relnamespace = 'activity'::regnamespace and relkind = 'r'`,
  )
  expect(tables.length).toBeGreaterThan(10)
  const texts = tables.map(async ({ name }) => {
    const rows = await service.db.query<Record<string, unknown>>(`select * from "${name}"`)
    const shown = (_key: string, value: unknown) =>
      typeof value === 'object' && value !== null && 'type' in value && value.type === 'Buffer' && 'data' in value
        ? Buffer.from(value.data as number[]).toString()
        : value
    return `${name}: ${JSON.stringify(rows, shown)}`
  })
  return (await Promise.all(texts)).join('\n')
}

const customerId = newId()
const words = ['Zuleika', 'Quimby', 'zuleika@example.com', '+254711999888', 'Rosewood', 'allergic', 'Zuzu']
// She has an account and placed the order herself.
const actor = { id: newId(), displayName: 'Zuzu' }
const customer = (type: string, data: Record<string, unknown> = {}) =>
  anEvent(
    type,
    {
      ...{ name: 'Zuleika', surname: 'Quimby', email: 'zuleika@example.com', phone: '+254711999888', actor },
      ...{ address: { street: '7 Rosewood Lane' }, metadata: { note: 'allergic' }, ...data },
    },
    { subject: customerId },
  )
const order = (type: string, version: number) =>
  anEvent(type, {
    ...{ customerId, number: 'ORD-000042', status: 'placed', total: '42.00', currency: 'EUR', version, actor },
    ...{ note: 'Zuleika is allergic to nuts', lines: [{ description: 'Cake for Zuleika' }] },
  })

const purge = () => publish(anEvent('customer.purged.v1', { code: 'CUS-000042' }, { subject: customerId }))

it('leaves no personal word of a purged customer in the schema, and the chain as it was', async () => {
  const other = anEvent('customer.created.v1', { name: 'Omar' })
  const changes = { changed: ['surname'], previous: { surname: 'Rosewood' } }
  const sent = anEvent('notification.sent.v1', { customerId, channel: 'sms', status: 'sent', actor })
  await publish(
    customer('customer.created.v1'),
    customer('customer.updated.v1', changes),
    order('order.placed.v1', 1),
    sent,
    other,
  )
  await service.broker.publishRaw('customer.created.v1', Buffer.from(`{"id":"${customerId}","name":"Zuleika`))
  await eventually(async () => expect(await service.db.query('select from unreadable_messages')).toHaveLength(1))
  const before = await dump()
  for (const word of words) expect({ word, isThere: before.includes(word) }).toEqual({ word, isThere: true })

  await purge()
  // The redaction comes back over the broker.
  await untilRecorded(service, 7)
  const after = await dump()
  for (const word of words) expect({ word, isThere: after.includes(word) }).toEqual({ word, isThere: false })
  expect(after).toContain('Omar')
  expect((await service.admin.get('/v1/audit/verify')).body).toMatchObject({ checked: 7, redacted: 4, ok: true })
})

it('stores what comes later about a purged customer without personal data', async () => {
  await publish(customer('customer.created.v1'))
  await purge()
  await publish(order('order.updated.v1', 2), customer('customer.updated.v1'))
  await untilRecorded(service, 5)
  const text = await dump()
  for (const word of words) expect({ word, isThere: text.includes(word) }).toEqual({ word, isThere: false })
  expect((await service.admin.get('/v1/audit/verify')).body).toMatchObject({ checked: 5, redacted: 3, ok: true })
})

it('keeps number, total and status of orders in the timeline, and tells of the redaction', async () => {
  await publish(order('order.placed.v1', 1))
  await purge()
  await untilRecorded(service, 3)
  const { data } = (await service.admin.get(`/v1/customers/${customerId}/timeline`)).body
  expect(data).toMatchObject([
    { type: 'audit.redacted.v1', redacted: false, actor: { id: 'system:activity-service' } },
    { type: 'customer.purged.v1', redacted: false },
    {
      redacted: true,
      about: { label: 'ORD-000042', number: 'ORD-000042', total: '42.00', currency: 'EUR', status: 'placed' },
    },
  ])
  const { event } = (await service.admin.get(`/v1/audit/${data[0].seq}`)).body
  expect(event.data).toMatchObject({ id: customerId, events: 1 })
})

it('redacts once, however often the purge arrives', async () => {
  await publish(customer('customer.created.v1'))
  await purge()
  await purge()
  await untilRecorded(service, 5)
  const redacted = (await recorded(service)).filter(({ body }) => body === null)
  expect(redacted.map(({ type }) => type)).toEqual(['customer.created.v1'])
})

it('redacts any number of events', async () => {
  await publish(customer('customer.created.v1'))
  await asOwner(
    service.database,
    `insert into events (class, recorded_at, seq, at, event_id, type, subject, bulk, body, salt, body_hash, hash)
      select class, recorded_at, n, at, gen_random_uuid(), 'customer.updated.v1', subject, bulk, body, salt, body_hash, hash
      from events, generate_series(2, 10500) n where seq = 1`,
    `insert into event_refs (class, recorded_at, ref, seq, type, is_subject)
      select class, recorded_at, ref, n, 'customer.updated.v1', is_subject from event_refs, generate_series(2, 10500) n where seq = 1`,
    `update head set seq = 10500`,
  )
  await purge()
  await untilRecorded(service, 10_502)
  const text = await dump()
  for (const word of words) expect({ word, isThere: text.includes(word) }).toEqual({ word, isThere: false })
  const { event } = (await service.admin.get('/v1/audit/10502')).body
  expect(event).toMatchObject({ type: 'audit.redacted.v1', data: { events: 10_500 } })
})
