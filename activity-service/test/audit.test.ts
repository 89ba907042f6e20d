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
const audit = async (query = '') => {
  const { status, body } = await service.admin.get(`/v1/audit${query}`)
  expect(status).toBe(200)
  return body
}
type Line = { seq: number; id: string; type: string }
const idsOf = (page: { data: Line[] }) => page.data.map(({ id }) => id)

describe('GET /v1/audit', () => {
  it('lists every event, newest first, also of types that it does not know', async () => {
    const events = ['user.created.v1', 'media.stored.v1', 'product.stock_low.v1', 'robot.walked.v3'].map((type) =>
      anEvent(type),
    )
    await publish(...events)
    const { data, page } = await audit('?limit=4')
    expect(idsOf({ data }).toSorted()).toEqual(events.map(({ id }) => id).toSorted())
    expect(data.map(({ seq }: Line) => seq)).toEqual([4, 3, 2, 1].map((each) => data[3].seq - 1 + each))
    expect(page.total).toBeGreaterThanOrEqual(4)
  })

  it('finds what an actor did, what happened to a record, and both by type', async () => {
    const [ana, ben] = [newId(), newId()]
    const customerId = newId()
    const by = (id: string) => ({ actor: { id, displayName: 'Somebody' } })
    const created = anEvent('customer.created.v1', by(ana), { subject: customerId })
    const updated = anEvent('customer.updated.v1', by(ben), { subject: customerId })
    const order = anEvent('order.placed.v1', { customerId, ...by(ana) })
    await publish(created, updated, order)
    expect(idsOf(await audit(`?actor=${ana}`))).toEqual([order.id, created.id])
    expect(idsOf(await audit(`?actor=${ana},${ben}`))).toEqual([order.id, updated.id, created.id])
    expect(idsOf(await audit(`?subject=${customerId}`))).toEqual([updated.id, created.id])
    expect(idsOf(await audit(`?subject=${order.subject}`))).toEqual([order.id])
    expect(idsOf(await audit(`?actor=${ana}&type=order.*`))).toEqual([order.id])
    expect(idsOf(await audit(`?subject=${customerId}&actor=${ben}&type=customer.updated.v1`))).toEqual([updated.id])
    expect(idsOf(await audit(`?actor=me`))).toEqual([])
  })

  it('finds what happened at a time, in the order of that time', async () => {
    const at = (text: string) => ({ at: Date.parse(text) })
    const last = anEvent('customer.updated.v1', {}, at('2020-05-02T12:00:00Z'))
    const first = anEvent('order.updated.v1', {}, at('2020-05-01T12:00:00Z'))
    const between = anEvent('product.stock_changed.v1', {}, at('2020-05-02T00:00:00Z'))
    await publish(last)
    await publish(first)
    await publish(between)
    const may = '?at[gte]=2020-05-01&at[lt]=2020-05-03'
    expect(idsOf(await audit(may))).toEqual([last.id, between.id, first.id])
    expect(idsOf(await audit(`${may}&sort=-seq`))).toEqual([between.id, first.id, last.id])
    const page = await audit(`${may}&limit=2`)
    expect(idsOf(await audit(`${may}&limit=2&cursor=${page.page.nextCursor}`))).toEqual([first.id])
    expect(idsOf(await audit(`${may}&type=order.*,product.*`))).toEqual([between.id, first.id])
    expect(idsOf(await audit(`${may}&subject=${first.subject}`))).toEqual([first.id])
  })

  it('shows actors by their current names, and deleted ones as such', async () => {
    const id = newId()
    const user = (type: string, version: number, displayName: string) =>
      anEvent(type, { displayName, version }, { subject: id })
    await publish(user('user.created.v1', 1, 'Cy'), anEvent('order.placed.v1', { actor: { id, displayName: 'Cy' } }))
    const actor = async () => (await audit(`?actor=${id}`)).data[0].actor
    expect(await actor()).toEqual({ id, displayName: 'Cy' })
    await publish(user('user.updated.v1', 3, 'Cyril'))
    await publish(user('user.updated.v1', 2, 'Cynthia'))
    await eventually(async () => expect(await actor()).toEqual({ id, displayName: 'Cyril' }), { timeoutMs: 10_000 })
    await publish(user('user.deleted.v1', 4, 'Cyril'), anEvent('user.updated.v1', { displayName: 7 }, { subject: id }))
    await eventually(async () => expect(await actor()).toEqual({ id, displayName: 'deleted user' }), {
      timeoutMs: 10_000,
    })
    const { body } = await service.admin.get(`/v1/audit/${(await audit(`?actor=${id}`)).data[0].seq}`)
    expect([body.actor.displayName, body.event.data.actor.displayName]).toEqual(['deleted user', 'Cy'])
  })

  it.each([
    ['an unknown parameter', 'who=me'],
    ['a time that is none', 'at[gte]=yesterday'],
    ['an unknown type', 'type=robot.*'],
    ['a subject with a NUL', 'subject=%00'],
    ['a subject that is too long', `subject=${'a'.repeat(256)}`],
    ['a sort by another field', 'sort=type'],
  ])('responds with 400 to %s', async (_name, query) => {
    expect(await service.admin.get(`/v1/audit?${query}`)).toMatchObject({ status: 400, body: { errors: [{}] } })
  })
})

describe('GET /v1/audit/{seq}', () => {
  it('shows the whole event and its place in the chain', async () => {
    const event = anEvent('order.placed.v1', { number: 'ORD-000001', total: '7.00', lines: [{ description: 'Tea' }] })
    await publish(event)
    const [line] = (await audit(`?subject=${event.subject}`)).data
    const { body } = await service.admin.get(`/v1/audit/${line.seq}`)
    expect(body).toEqual({
      ...line,
      event: { ...event, seq: line.seq },
      recordedAt: expect.stringMatching(/Z$/),
      chain: 'lasting',
      bodyHash: expect.stringMatching(/^[0-9a-f]{64}$/),
      hash: expect.stringMatching(/^[0-9a-f]{64}$/),
    })
    expect((await service.admin.get('/v1/audit/head')).body.lasting).toEqual({
      ...{ seq: line.seq, hash: body.hash, recordedAt: body.recordedAt },
    })
  })

  it('responds with 404 to what is no number of an event', async () => {
    for (const seq of ['999999', '0', '-1', 'first', '1e3', '9999999999999999'])
      expect(await service.admin.get(`/v1/audit/${seq}`)).toMatchObject({ status: 404, body: { code: 'not_found' } })
  })
})

it.each(['/v1/audit', '/v1/audit/1', '/v1/audit/head', '/v1/audit/verify'])('%s is for admins only', async (path) => {
  expect((await service.user.get(path)).status).toBe(403)
  expect((await service.admin.get(path)).status).toBe(200)
})
