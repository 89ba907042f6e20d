import { asOwner } from '@clientele/platform/testing/database'
import { hashEvent } from '../src/events/chain.ts'
import { anEvent, type RunningActivity, startActivity, untilRecorded, untilStored } from './start.ts'

let service: RunningActivity
beforeAll(async () => {
  service = await startActivity()
}, 60_000)
afterAll(() => service?.stop())

const verify = async (query = '') => (await service.admin.get(`/v1/audit/verify${query}`)).body
const owner = (...statements: string[]) => asOwner(service.database, ...statements)

/** Records ten events: those with even numbers are `passing`, the others `lasting`. */
const recordTen = async () => {
  for (let seq = 1; seq <= 10; seq += 1) {
    const event = anEvent(seq % 2 === 0 ? 'media.stored.v1' : 'customer.created.v1', { name: `Name ${seq}` })
    expect(await service.broker.publish(event)).toBe('confirmed')
    await untilRecorded(service, seq)
  }
}

const changedTables = ['events', 'event_refs', 'head']
const keepTables = () => owner(...changedTables.map((table) => `create table kept_${table} as table ${table}`))
const restoreTables = () =>
  owner(...changedTables.flatMap((table) => [`delete from ${table}`, `insert into ${table} table kept_${table}`]))

const move = (seq: number, month: string) =>
  ['events', 'event_refs'].map((table) => `update ${table} set recorded_at = '${month}-15' where seq = ${seq}`)

describe('GET /v1/audit/verify', () => {
  afterEach(restoreTables)

  it('finds nothing where nothing was changed', async () => {
    expect(await verify()).toMatchObject({ from: 1, to: 0, checked: 0, ok: true })
    await recordTen()
    await keepTables()
    const unchanged = { redacted: 0, ok: true, firstBroken: null, reason: null }
    expect(await verify()).toEqual({ from: 1, to: 10, checked: 10, ...unchanged })
    expect(await verify('?from=3&to=7')).toEqual({ from: 3, to: 7, checked: 5, ...unchanged })
    expect(await verify('?from=10&to=90')).toEqual({ from: 10, to: 10, checked: 1, ...unchanged })
  })

  it.each([
    ['type', `type = 'customer.updated.v1'`],
    ['subject', `subject = 'somebody'`],
    ['actor_id', `actor_id = null`],
    ['at', `at = at + interval '1 ms'`],
    ['event_id', `event_id = gen_random_uuid()`],
    ['version', `version = 2`],
    ['about', `about = '{"total":"0.00"}'`],
    ['body', `body = replace(body, 'Name', 'Nome')`],
    ['salt', `salt = '\\x00'`],
    ['body_hash', `body_hash = sha256('x')`],
    ['hash', `hash = sha256('x')`],
    ['body and no note of it', `body = null, salt = null`],
  ])('finds a changed %s', async (_column, change) => {
    await owner(`update events set ${change} where seq = 5`)
    expect(await verify()).toMatchObject({ checked: 4, ok: false, firstBroken: 5, reason: 'changed' })
    expect(await verify('?from=8')).toMatchObject({ ok: true })
  })

  it('finds an event whose data was removed although no customer was purged', async () => {
    await owner('update events set body = null, salt = null, redacted_at = now() where seq = 5')
    expect(await verify()).toMatchObject({ ok: false, firstBroken: 5, reason: 'redacted' })
  })

  it.each([
    ['the first event', 1, '?from=1'],
    ['an event', 5, ''],
    ['the last event of a class', 9, ''],
    ['the last event', 10, ''],
  ])('finds that %s was deleted', async (_name, seq, query) => {
    await owner(`delete from events where seq = ${seq}`)
    expect(await verify(query)).toMatchObject({ ok: false, firstBroken: seq, reason: 'missing' })
  })

  it('finds an event that was deleted together with the end of its chain', async () => {
    await owner(
      'delete from events where seq = 9',
      `update head set seq = 7, hash = (select hash from events where seq = 7) where class = 'lasting'`,
    )
    expect(await verify()).toMatchObject({ ok: false, firstBroken: 9, reason: 'missing' })
  })

  const inserted = (
    changes: string,
  ) => `insert into events (class, recorded_at, seq, at, event_id, type, subject, version, bulk, body, salt,
    body_hash, hash) select class, recorded_at + interval '1 ms', ${changes}, at, gen_random_uuid(), type, subject, version, bulk, body,
    salt, body_hash, hash from events where seq = 5`

  it('finds an event that was inserted under a number that another has, or after the end', async () => {
    await owner(inserted('6'))
    expect(await verify()).toMatchObject({ ok: false, firstBroken: 6, reason: 'changed' })
    await owner(
      'delete from events where seq = 6 and body_hash = (select body_hash from events where seq = 5)',
      inserted('11'),
    )
    expect(await verify()).toMatchObject({ ok: false, firstBroken: 11, reason: 'head' })
  })

  it('finds an event in the place of another, with a hash that follows from the one before', async () => {
    const [before] = await service.db.query<{ hash: Buffer }>('select hash from events where seq = 3')
    const [row] = await service.db.query<Parameters<typeof hashEvent>[1]>(
      `select seq, at, event_id as "eventId", 'customer.deleted.v1' as type, subject, actor_id as "actorId", version, about,
       body_hash as "bodyHash" from events where seq = 5`,
    )
    if (!before || !row) throw new Error('no row')
    const hash = hashEvent(before.hash, row).toString('hex')
    await owner(`update events set type = 'customer.deleted.v1', hash = '\\x${hash}' where seq = 5`)
    expect(await verify()).toMatchObject({ checked: 6, ok: false, firstBroken: 7, reason: 'changed' })
  })

  it('finds two events that were exchanged', async () => {
    await owner(`update events set seq = case seq when 3 then 7 else 3 end where seq in (3, 7)`)
    expect(await verify()).toMatchObject({ ok: false, firstBroken: 3, reason: 'changed' })
  })

  it.each([
    ['back', `seq = 5, hash = (select hash from events where seq = 5)`, 7],
    ['to the beginning', `seq = 0, hash = '\\x'`, 1],
    ['forward', `seq = 12`, 11],
    ['to another hash', `hash = sha256('x')`, 9],
  ])('finds that the end of a chain was moved %s', async (_where, change, firstBroken) => {
    await owner(`update head set ${change} where class = 'lasting'`)
    expect(await verify()).toMatchObject({ ok: false, firstBroken })
  })

  it('finds that a month was removed without a seal', async () => {
    await owner(
      ...["select create_partitions('2020-01-01')", ...move(1, '2020-01'), ...move(3, '2020-01')],
      'drop table events_lasting_2020_01',
    )
    expect(await verify()).toMatchObject({ checked: 0, ok: false, firstBroken: 1, reason: 'missing' })
    expect(await verify('?from=4')).toMatchObject({ ok: false, firstBroken: 5 })
  })

  it('checks at most 100,000 events at once', async () => {
    await owner('update head set seq = 300000')
    const refused = await service.admin.get('/v1/audit/verify?from=100000&to=200000')
    expect(refused).toMatchObject({ status: 400, body: { errors: [{ parameter: 'to' }] } })
    expect(await verify('?from=100001&to=200000')).toMatchObject({ from: 100_001, to: 200_000, firstBroken: 100_001 })
    expect(await verify()).toMatchObject({ from: 200_001, to: 300_000, ok: false })
  })

  it.each(['from=0', 'to=-1', 'from=7&to=5', 'from=11', 'until=7'])('responds with 400 to %s', async (query) => {
    expect((await service.admin.get(`/v1/audit/verify?${query}`)).status).toBe(400)
  })
})

it('GET /v1/audit/verify finds nothing after a purge', async () => {
  const customer = (await service.admin.get('/v1/audit/5')).body.subject
  const order = anEvent('order.placed.v1', { customerId: customer })
  const purge = anEvent('customer.purged.v1', {}, { subject: customer })
  for (const each of [order, purge]) await service.broker.publish(each)
  await untilStored(service, [order, purge])
  await untilRecorded(service, 13)
  expect(await verify()).toMatchObject({ checked: 13, redacted: 2, ok: true })
})
