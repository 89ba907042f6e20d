import { type Client, client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import { type System, startSystem } from '../system.ts'

let system: System
let user: Client
let database: pg.Client
beforeAll(async () => {
  system = await startSystem()
  user = client(system.gateway, (await signedInAs('user')).token)
  database = new pg.Client({ connectionString: system.database('customer-service') })
  await database.connect()
}, 120_000)
afterAll(async () => {
  await database?.end()
  await system?.close()
}, 60_000)

const waitingEvents = async () =>
  (await database.query<{ n: number }>('select count(*)::int as n from outbox')).rows[0]?.n

describe('Crashes of services', () => {
  it('an event is published although its service is killed between commit and publish', async () => {
    const tap = await system.broker.subscribe()
    for (let part = 0; part < 8; part++) await database.query('select try_session_lock($1)', [`outbox ${part}`])
    const { body } = await user.post('/v1/customers', { name: 'Between', surname: 'Commit' })
    expect(await waitingEvents()).toBe(1)
    await system.kill('customer-service')
    await database.query('select pg_advisory_unlock_all()')
    expect(await waitingEvents()).toBe(1)
    await system.start('customer-service')
    expect(await tap.next('customer.created.v1', body.id, 20_000)).toMatchObject({
      data: { code: body.code, version: 1 },
    })
    await eventually(async () => expect(await waitingEvents()).toBe(0))
  })

  it('every acknowledged customer is stored and published although customer-service is killed under load', async () => {
    const tap = await system.broker.subscribe()
    const creates = Array.from({ length: 40 }, (_, index) =>
      user.post('/v1/customers', { name: `Load${index}`, surname: 'Crash' }).catch(() => undefined),
    )
    await creates[5]
    await system.kill('customer-service')
    const responses = await Promise.all(creates)
    for (const response of responses) expect([201, 502, 503, 504]).toContain(response?.status)
    await system.start('customer-service')
    const acknowledged = responses.flatMap((response) => (response?.status === 201 ? [String(response.body.id)] : []))
    const { rows } = await database.query<{ id: string }>(`select id from customers where surname = 'Crash'`)
    expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged))
    for (const { id } of rows) await tap.next('customer.created.v1', id, 20_000)
  })

  it('user-service adds users that were created in Keycloak while it was unavailable', async () => {
    await system.kill('user-service')
    const { id, username } = await signedInAs('nobody')
    const admin = client(system.gateway, (await signedInAs('admin')).token)
    const down = await admin.get('/v1/users')
    expect([502, 503]).toContain(down.status)
    expect(down.headers.get('retry-after')).toMatch(/^\d+$/)
    await system.start('user-service')
    await eventually(async () => expect((await admin.get(`/v1/users/${id}`)).body).toMatchObject({ username }))
  })
})
