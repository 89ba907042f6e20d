import { newId } from '@clientele/platform/data/db'
import { client } from '@clientele/platform/testing/client'
import { asOwner } from '@clientele/platform/testing/database'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { anEvent, type RunningActivity, startActivity, untilStored } from './start.ts'

let service: RunningActivity
beforeAll(async () => {
  service = await startActivity()
})
afterAll(() => service?.stop())

type Event = ReturnType<typeof anEvent>
const publish = async (...events: Event[]) => {
  for (const each of events) expect(await service.broker.publish(each)).toBe('confirmed')
  await untilStored(service, events)
}
const feed = async (query = '', as = service.user) => {
  const { status, body } = await as.get(`/v1/events${query}`)
  expect(status).toBe(200)
  return body
}
const newest = async () => (await feed('?limit=1&type=customer.purged.v1')).page.nextCursor
const idsOf = ({ data }: { data: { id: string }[] }) => data.map(({ id }) => id)

describe('GET /v1/events', () => {
  it('tells whole events in the order in which they were recorded, from the cursor on', async () => {
    const cursor = await newest()
    const [first, second] = [
      anEvent('customer.created.v1', { name: 'Ana' }),
      anEvent('order.placed.v1', { total: '7.00' }),
    ]
    await publish(first)
    await publish(second)
    const { data, page } = await feed(`?cursor=${cursor}`)
    expect(data).toEqual([
      { ...first, seq: Number(cursor) + 1 },
      { ...second, seq: Number(cursor) + 2 },
    ])
    expect(page).toEqual({ limit: 50, nextCursor: String(Number(cursor) + 2), hasMore: false })
    expect(await feed(`?cursor=${page.nextCursor}`)).toEqual({ data: [], page })
    expect(await feed(`?cursor=${cursor}&limit=1`)).toEqual({
      data: [data[0]],
      page: { limit: 1, nextCursor: String(data[0].seq), hasMore: true },
    })
  })

  it('misses and repeats none while two readers read and events are recorded', async () => {
    const cursor = await newest()
    const subject = newId()
    const events = Array.from({ length: 300 }, (_, index) =>
      anEvent(index % 3 === 0 ? 'media.stored.v1' : 'customer.updated.v1', { version: index + 1 }, { subject }),
    )
    const read = async (limit: number) => {
      const ids: string[] = []
      let next = cursor
      while (ids.length < events.length) {
        const page = await feed(`?cursor=${next}&limit=${limit}`)
        ids.push(...idsOf(page))
        next = page.page.nextCursor
      }
      return ids
    }
    const publishing = (async () => {
      for (const each of events) await service.broker.publish(each)
    })()
    const [some, many] = await Promise.all([read(7), read(200), publishing])
    expect(some).toEqual(events.map(({ id }) => id))
    expect(many).toEqual(some)
  })

  it('filters by types and by subject, and goes on where it has read to', async () => {
    const cursor = await newest()
    const customerId = newId()
    const created = anEvent('customer.created.v1', {}, { subject: customerId })
    const placed = anEvent('order.placed.v1', { customerId })
    const stock = anEvent('product.stock_changed.v1')
    for (const each of [created, placed, stock]) await publish(each)
    expect(idsOf(await feed(`?cursor=${cursor}&type=order.*,product.stock_changed.v1`))).toEqual([placed.id, stock.id])
    expect(idsOf(await feed(`?cursor=${cursor}&subject=${customerId}`))).toEqual([created.id])
    expect(await feed(`?cursor=${cursor}&type=product.updated.v1`)).toEqual({
      data: [],
      page: { limit: 50, nextCursor: String(Number(cursor) + 3), hasMore: false },
    })
  })

  it('begins with the first event that was recorded since a time', async () => {
    await publish(anEvent('customer.created.v1'))
    // Later than the event by the clock of the database, which records milliseconds.
    const [{ now }] = await eventually(async () => {
      const sql =
        "select clock_timestamp() as now from head having clock_timestamp() > max(recorded_at) + interval '2 ms'"
      const rows = await service.db.query<{ now: Date }>(sql)
      expect(rows).toHaveLength(1)
      return rows as [{ now: Date }]
    })
    const late = anEvent('customer.created.v1', {}, { at: now.getTime() - 3_600_000 })
    await publish(late)
    expect(idsOf(await feed(`?since=${now.toISOString()}`))).toEqual([late.id])
    expect(idsOf(await feed(`?since=${new Date(now.getTime() + 4_000).toISOString()}`))).toEqual([])
    expect((await feed('?limit=1')).data).toMatchObject([{ seq: 1 }])
    expect(idsOf(await feed(`?since=2020-01-01&cursor=${await newest()}`))).toEqual([])
  })

  it('ends a page before it becomes too large', async () => {
    const cursor = await newest()
    const text = 'a'.repeat(1_500_000)
    const events = [0, 1, 2, 3].map(() => anEvent('customer.updated.v1', { text }))
    await publish(...events)
    const first = await feed(`?cursor=${cursor}`)
    expect(first.page).toMatchObject({ hasMore: true, nextCursor: String(first.data[1].seq) })
    expect(idsOf(await feed(`?cursor=${first.page.nextCursor}`))).toEqual(events.slice(2).map(({ id }) => id))
    const huge = anEvent('customer.updated.v1', { text: 'a'.repeat(4_100_000) })
    await publish(huge)
    expect(idsOf(await feed(`?cursor=${first.data[1].seq + 2}`))).toEqual([huge.id])
  })

  it('shows a user only what a user may know of', async () => {
    const { token, id } = await createSignedInUser(['user'])
    const own = client(service.url, token)
    const mine = anEvent('import.finished.v1', { actor: { id, displayName: 'I' } })
    const me = anEvent('user.updated.v1', {}, { subject: id })
    const shared = ['customer', 'order', 'product', 'notification', 'media'].map((kind) => anEvent(`${kind}.tested.v1`))
    const foreign = ['import.finished.v1', 'user.updated.v1', 'audit.redacted.v1', 'robot.walked.v3'].map((type) =>
      anEvent(type),
    )
    const cursor = await newest()
    const events = [mine, ...shared, ...foreign, me]
    for (const each of events) await publish(each)
    expect(idsOf(await feed(`?cursor=${cursor}`, own))).toEqual([mine, ...shared, me].map((event) => event.id))
    expect(idsOf(await feed(`?cursor=${cursor}`))).toEqual(shared.map((event) => event.id))
    expect(idsOf(await feed(`?cursor=${cursor}`, service.admin))).toEqual(events.map((event) => event.id))
    expect(idsOf(await feed(`?cursor=${cursor}&subject=${id}`))).toEqual([])
    expect(idsOf(await feed(`?cursor=${cursor}&type=import.*`))).toEqual([])
  })

  it('tells a redacted event without its data', async () => {
    const cursor = await newest()
    const created = anEvent('customer.created.v1', { name: 'Zuleika' })
    await publish(created)
    await publish(anEvent('customer.purged.v1', {}, { subject: created.subject }))
    const [redacted] = (await feed(`?cursor=${cursor}`)).data
    const { data: _data, datacontenttype: _type, ...rest } = created as Event & { datacontenttype: string }
    expect(redacted).toEqual({ ...rest, redacted: true, seq: Number(cursor) + 1 })
  })

  it.each([
    ['a time in the future', () => `since=${new Date(Date.now() + 60_000).toISOString()}`, 'since'],
    ['a time that is none', () => 'since=yesterday', 'since'],
    ['a cursor of a list', () => 'cursor=WyItc2VxIiwwLCI3Il0', 'cursor'],
    ['an unknown type', () => 'type=customer.walked.v1', 'type'],
    ['too many types', () => `type=${Array.from({ length: 51 }, () => 'order.*').join(',')}`, 'type'],
    ['no limit', () => 'limit=0', 'limit'],
    ['a high limit', () => 'limit=201', 'limit'],
    ['a NUL', () => 'subject=%00', 'subject'],
    ['an offset', () => 'offset=7', 'offset'],
  ])('responds with 400 to %s', async (_name, query, parameter) => {
    expect(await service.user.get(`/v1/events?${query()}`)).toMatchObject({
      status: 400,
      body: { errors: [{ parameter }] },
    })
  })
})

describe('GET /v1/events, when events are not kept any more', () => {
  const age = (from: number, to: number) =>
    ['events', 'event_refs'].map(
      (table) =>
        `update ${table} set recorded_at = recorded_at - interval '40 days' where seq between ${from} and ${to}`,
    )

  it('responds with 410 and what there is', async () => {
    const old = await startActivity()
    const events = Array.from({ length: 4 }, () => anEvent('customer.created.v1'))
    for (const each of events) await old.broker.publish(each)
    await untilStored(old, events)
    await asOwner(old.database, `select create_partitions((current_date - 40))`, ...age(1, 2))
    const gone = { status: 410, body: { code: 'gone', oldest: { seq: 3, at: expect.stringMatching(/Z$/) }, newest: 4 } }
    expect(await old.user.get('/v1/events?cursor=1')).toMatchObject(gone)
    expect(
      await old.user.get(`/v1/events?since=${new Date(Date.now() - 31 * 86_400_000).toISOString()}`),
    ).toMatchObject(gone)
    expect(await old.user.get('/v1/events?cursor=5')).toMatchObject(gone)
    expect(idsOf((await old.user.get('/v1/events?cursor=2')).body)).toEqual([events[2]?.id, events[3]?.id])
    expect(idsOf((await old.user.get('/v1/events')).body)).toEqual([events[2]?.id, events[3]?.id])
    await asOwner(old.database, ...age(3, 4))
    expect(await old.user.get('/v1/events?cursor=3')).toMatchObject({
      status: 410,
      body: { oldest: { seq: null, at: null } },
    })
    expect((await old.user.get('/v1/events')).body).toMatchObject({ data: [], page: { nextCursor: '4' } })
    expect((await old.user.get('/v1/events?cursor=4')).status).toBe(200)
    await old.stop()
  })
})
