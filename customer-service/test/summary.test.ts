import { CustomerSummary } from '@clientele/contracts/customer'
import { asOwner, explain, observeQueries } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import { createSummaryService, currentStarts } from '../src/summary/summary.service.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers()
})
afterAll(() => service?.stop())

const create = async (fields: Record<string, unknown> = {}): Promise<string> =>
  (await service.user.post('/v1/customers', aCustomer(fields))).body.id
const createdAt = async (time: Date) =>
  service.db.query('update customers set created_at = $2 where id = $1', [await create(), time.toISOString()])
const before = (time: Date) => new Date(time.getTime() - 1)
const deps = () => ({ db: service.db, shopTimeZone: 'UTC' })
/** Counts without a result that is kept. */
const summarise = (timeZone?: string) => createSummaryService({ ...deps(), maxAgeMs: 0 }).summarise(timeZone)

describe('GET /v1/customers/summary', () => {
  it('counts all customers, new ones, those with a photo and the trash', async () => {
    expect((await service.user.get('/v1/customers/summary')).body).toMatchObject({ total: 0, inTrash: 0 })
    const starts = currentStarts(new Date(), 'UTC')
    const trashed = await create()
    await service.user.delete(`/v1/customers/${trashed}`)
    await service.db.query('update customers set photo_media_id = gen_random_uuid() where id = any($1::uuid[])', [
      [await create(), await create(), trashed],
    ])
    const times = [starts.day, before(starts.day), starts.week, before(starts.week), starts.month, before(starts.month)]
    for (const time of times) await createdAt(time)
    const since = (start: Date) => 2 + times.filter((time) => time >= start).length
    expect(await summarise()).toEqual({
      ...{ total: 8, withPhoto: 2, inTrash: 1, timeZone: 'UTC', countedAt: expect.stringMatching(/Z$/) },
      newToday: since(starts.day),
      newThisWeek: since(starts.week),
      newThisMonth: since(starts.month),
    })
  })

  it('a request within some seconds returns the same count, and says when it was made', async () => {
    const { status, body } = await service.user.get('/v1/customers/summary?timeZone=Africa/Nairobi')
    expect(status).toBe(200)
    expect(CustomerSummary.parse(body)).toMatchObject({ total: 8, timeZone: 'Africa/Nairobi' })
    await create()
    const statements: string[] = []
    const db = observeQueries(service.db, async (sql) => void statements.push(sql))
    const shared = createSummaryService({ ...deps(), db, maxAgeMs: 60_000 })
    const summaries = await Promise.all(Array.from({ length: 5 }, () => shared.summarise('Africa/Nairobi')))
    const later = await shared.summarise('Europe/Moscow')
    expect(new Set([...summaries, later].map(({ countedAt }) => countedAt)).size).toBe(1)
    expect(later).toMatchObject({ total: 9, timeZone: 'Europe/Moscow' })
    expect(statements).toHaveLength(1)
  })

  it('days begin in the time zone of the shop unless the request names one', async () => {
    const shop = createSummaryService({ ...deps(), shopTimeZone: 'Pacific/Auckland' })
    expect(await shop.summarise()).toMatchObject({ timeZone: 'Pacific/Auckland' })
    expect(await shop.summarise('UTC')).toMatchObject({ timeZone: 'UTC' })
  })

  it.each(['timeZone=Nairobi', 'timeZone=%2B03:00', 'day=1'])('%s is a 400 that names the parameter', async (query) => {
    const { status, body } = await service.user.get(`/v1/customers/summary?${query}`)
    expect([status, body.errors[0].parameter]).toEqual([400, query.split('=')[0]])
  })

  it('every count reads an index and no row', async () => {
    await service.db.query(`insert into customers (id, code, metadata, search_text, photo_media_id, deleted_at,
        created_at, created_by, created_by_name, updated_at, updated_by, updated_by_name)
      select gen_random_uuid(), 'CUS-' || n, jsonb_build_object('note', repeat(md5(n::text), 30)), '', case when n % 3 = 0 then gen_random_uuid() end, case when n % 20 = 0 then now() end,
        now() - make_interval(hours => n - 100000), 'system:x', 'x', now(), 'system:x', 'x' from generate_series(100000, 120000) as n`)
    // Rows are visible to an index only after a vacuum that no older transaction holds back.
    await eventually(async () => {
      await asOwner(service.database, 'vacuum analyze customers')
      const plans: string[] = []
      const db = observeQueries(
        service.db,
        async (sql, values) => void plans.push(...(await explain(service.db, sql, values))),
      )
      await createSummaryService({ ...deps(), db }).summarise()
      const scans = plans.filter((line) => / Scan .*customers/.test(line))
      expect(scans).toHaveLength(4)
      for (const scan of scans) expect(scan).toMatch(/Index Only Scan using customers_/)
    })
  })
})

it.each([
  ['2026-11-30T08:00:00Z', 'UTC', ['2026-11-30T00', '2026-11-30T00', '2026-11-01T00']],
  ['2026-11-29T23:00:00Z', 'UTC', ['2026-11-29T00', '2026-11-23T00', '2026-11-01T00']],
  ['2026-11-29T23:00:00Z', 'Africa/Nairobi', ['2026-11-29T21', '2026-11-29T21', '2026-10-31T21']],
  ['2026-03-10T12:00:00Z', 'America/New_York', ['2026-03-10T04', '2026-03-09T04', '2026-03-01T05']],
])('at %s in %s the day, week and month began at %j', (now, zone, expected) => {
  const { day, week, month } = currentStarts(new Date(now), zone)
  expect([day, week, month].map((start) => start.toISOString().slice(0, 13))).toEqual(expected)
})
