import { asOwner } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { createPartitions } from '../src/events/partitions.ts'
import { createRetention, type Keep } from '../src/retention/retention.ts'
import { removeOldMessages } from '../src/retention/unreadable-messages.ts'
import { anEvent, type RunningActivity, recorded, startActivity } from './start.ts'

let service: RunningActivity
beforeEach(async () => {
  service = await startActivity()
})
afterEach(() => service?.stop())

const monthsAgo = (months: number): string => {
  const now = new Date()
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth() - months, 1)).toISOString().slice(0, 7)
}
/** Moves events to a month, as if they had been recorded then. The time of recording is no part of the chain. */
const recordedIn = (month: string, from: number, to: number) =>
  asOwner(
    service.database,
    `select create_partitions('${month}-01')`,
    ...['events', 'event_refs'].map(
      (table) => `update ${table} set recorded_at = '${month}-15T10:00:00Z' where seq between ${from} and ${to}`,
    ),
  )
const record = async (from: number, to: number) => {
  for (let seq = from; seq <= to; seq += 1) {
    const type = seq % 3 === 0 ? 'customer.updated.v1' : 'product.stock_changed.v1'
    expect(await service.broker.publish(anEvent(type))).toBe('confirmed')
  }
  await eventually(async () => expect((await recorded(service)).at(-1)?.seq).toBe(to))
}
const retain = (keep: Keep, now?: Date) =>
  createRetention({ db: service.db, partitions: createPartitions(service), keep, log: testLog() })(now)
const verify = async (query = '') => (await service.admin.get(`/v1/audit/verify${query}`)).body
const partitionsOf = async (table: string) =>
  (
    await service.db.query<{ name: string }>(
      'select relname as name from pg_inherits join pg_class on pg_class.oid = inhrelid where inhparent = to_regclass($1) order by 1',
      [table],
    )
  ).map(({ name }) => name.slice(-7).replace('_', '-'))

it('drops months of a class that are over, and seals them, so that the chain holds', async () => {
  await record(1, 12)
  await recordedIn(monthsAgo(5), 1, 4)
  await recordedIn(monthsAgo(4), 5, 8)
  await recordedIn(monthsAgo(2), 9, 10)
  await retain({ lasting: undefined, passing: 3 })
  expect((await recorded(service)).map(({ seq }) => seq)).toEqual([3, 6, 9, 10, 11, 12])
  const passing = await partitionsOf('events_passing')
  expect(passing).toEqual(await partitionsOf('event_refs_passing'))
  expect(passing).not.toContain(monthsAgo(4))
  expect(await partitionsOf('events_lasting')).toContain(monthsAgo(5))
  const seals = await service.db.query('select class, month::text, first_seq, last_seq, rows from seals order by month')
  expect(seals).toEqual([
    { class: 'passing', month: `${monthsAgo(5)}-01`, first_seq: 1, last_seq: 4, rows: 3 },
    { class: 'passing', month: `${monthsAgo(4)}-01`, first_seq: 5, last_seq: 8, rows: 3 },
  ])
  expect(await verify()).toMatchObject({ checked: 6, ok: true })
  for (const from of [2, 4, 5, 8, 9]) expect(await verify(`?from=${from}`)).toMatchObject({ ok: true })
  await record(13, 14)
  expect(await verify()).toMatchObject({ checked: 8, ok: true })
})

it('keeps the head of a class of which everything was dropped', async () => {
  await record(1, 4)
  await recordedIn(monthsAgo(5), 1, 4)
  await retain({ lasting: 1, passing: 1 })
  expect(await recorded(service)).toEqual([])
  expect(await verify()).toMatchObject({ from: 1, to: 4, checked: 0, ok: true })
  await record(5, 7)
  expect(await verify()).toMatchObject({ checked: 3, ok: true })
})

it('finds what was changed beside a seal, or in it', async () => {
  await record(1, 12)
  await recordedIn(monthsAgo(5), 1, 4)
  await recordedIn(monthsAgo(4), 5, 8)
  await retain({ lasting: undefined, passing: 3 })
  const changed = async (change: string, expected: object) => {
    await asOwner(service.database, 'create table kept as table seals', change)
    expect(await verify('?from=1')).toMatchObject({ ok: false, ...expected })
    await asOwner(service.database, 'delete from seals', 'insert into seals table kept', 'drop table kept')
  }
  await changed(`update seals set hash = sha256('x') where first_seq = 1`, { firstBroken: 5, reason: 'missing' })
  await changed(`update seals set hash = sha256('x') where first_seq = 5`, { firstBroken: 10, reason: 'changed' })
  await changed('delete from seals where first_seq = 1', { firstBroken: 1, reason: 'missing' })
  await changed('delete from seals where first_seq = 5', { firstBroken: 5, reason: 'missing' })
  await asOwner(service.database, 'delete from events where seq = 9')
  expect(await verify()).toMatchObject({ ok: false, firstBroken: 9 })
})

it('drops months while they are checked', async () => {
  await record(1, 6)
  await recordedIn(monthsAgo(5), 1, 5)
  const checks = Array.from({ length: 5 }, () => verify())
  await retain({ lasting: 1, passing: 1 })
  for (const check of await Promise.all(checks)) expect(check).toMatchObject({ ok: true })
})

it('creates the partitions of the next month, every time', async () => {
  await retain({ lasting: undefined, passing: 13 }, new Date('2031-12-31T23:59:59Z'))
  await retain({ lasting: undefined, passing: 13 }, new Date('2031-12-31T23:59:59Z'))
  expect(await partitionsOf('events_lasting')).toEqual(expect.arrayContaining(['2031-12', '2032-01']))
  expect(await partitionsOf('event_refs_passing')).toEqual(expect.arrayContaining(['2031-12', '2032-01']))
})

it('does so by itself, soon after a replica has started', async () => {
  await record(1, 4)
  await recordedIn(monthsAgo(20), 1, 4)
  const old = monthsAgo(20)
  // Ends the leadership of the first replica, so that the next one leads.
  const replica = await service.startReplica({ activityKeepLastingMonths: 1 })
  await service.db.query(`select pg_terminate_backend(pid) from pg_stat_activity where usename = current_user and pid in (
    select pid from pg_locks where locktype = 'advisory' and granted)`)
  await eventually(async () => expect(await partitionsOf('events_passing')).not.toContain(old), { timeoutMs: 20_000 })
  await replica.stop()
})

it('creates the partitions of a month again after the transaction that did was rolled back', async () => {
  const partitions = createPartitions(service)
  const time = new Date('2031-05-05')
  const rolledBack = service.db.transaction(async (tx) => {
    await partitions.ensure(time, tx)
    throw new Error('rolled back')
  })
  await expect(rolledBack).rejects.toThrow('rolled back')
  await service.db.transaction((tx) => partitions.ensure(time, tx))
  expect(await partitionsOf('events_passing')).toContain('2031-05')
})

describe('unreadable messages', () => {
  const insert = (count: number, fields: string) =>
    service.db.query(
      `insert into unreadable_messages (routing_key, reason, received_at, content) select 'x', 'no JSON', ${fields} from generate_series(1, ${count}) n`,
    )
  const contents = async () =>
    (
      await service.db.query<{ content: string }>(
        `select convert_from(content, 'UTF8') as content from unreadable_messages order by id`,
      )
    ).map(({ content }) => content)

  it('are kept for 30 days', async () => {
    await insert(1, `now() - interval '31 days', 'old'`)
    await insert(1, `now() - interval '29 days', 'new'`)
    await removeOldMessages(service.db)
    expect(await contents()).toEqual(['new'])
  })

  it('are not too many, and not too large together', async () => {
    await insert(10_002, `now(), convert_to(n::text, 'UTF8')`)
    await removeOldMessages(service.db)
    const left = await contents()
    expect([left.length, left[0]]).toEqual([10_000, '3'])
    await removeOldMessages(service.db, { days: 30, messages: 10, bytes: 1_000 })
    expect(await contents()).toHaveLength(10)
    await insert(4, `now(), convert_to(repeat(n::text, 400), 'UTF8')`)
    await removeOldMessages(service.db, { days: 30, messages: 10, bytes: 1_000 })
    expect((await contents()).map((content) => content[0])).toEqual(['3', '4'])
  })
})
