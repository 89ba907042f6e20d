import { type Client, client } from '@clientele/platform/testing/client'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import { type System, startSystem } from '../system.ts'

let system: System
let user: Client
let database: pg.Client
beforeAll(async () => {
  system = await startSystem()
  user = client(system.gateway, (await tokenFor('user')).token)
  database = new pg.Client({ connectionString: system.database('customer-service') })
  await database.connect()
}, 120_000)
afterAll(async () => {
  await database?.end()
  await system?.close()
}, 60_000)

const waiting = async () => (await database.query<{ n: number }>('select count(*)::int as n from outbox')).rows[0]?.n

describe('an event survives', () => {
  it('kill -9 of the service between commit and publish', async () => {
    const tap = await system.broker.tap()
    for (let part = 0; part < 8; part++)
      await database.query(`select pg_advisory_lock(hashtext('outbox ' || current_schema()), $1)`, [part])
    const { body } = await user.post('/v1/customers', { name: 'Between', surname: 'Commit' })
    expect(await waiting()).toBe(1)
    await system.kill('customer-service')
    await database.query('select pg_advisory_unlock_all()')
    expect(await waiting()).toBe(1)
    await system.start('customer-service')
    expect(await tap.next('customer.created.v1', body.id, 20_000)).toMatchObject({
      data: { code: body.code, version: 1 },
    })
    await eventually(async () => expect(await waiting()).toBe(0))
  })

  it('kill -9 under load: every answered create is stored and published', async () => {
    const tap = await system.broker.tap()
    const creates = Array.from({ length: 40 }, (_, index) =>
      user.post('/v1/customers', { name: `Load${index}`, surname: 'Crash' }).catch(() => undefined),
    )
    await creates[5]
    await system.kill('customer-service')
    const answers = await Promise.all(creates)
    for (const answer of answers) expect([201, 502, 503, 504]).toContain(answer?.status)
    await system.start('customer-service')
    const acknowledged = answers.flatMap((answer) => (answer?.status === 201 ? [String(answer.body.id)] : []))
    const { rows } = await database.query<{ id: string }>(`select id from customers where surname = 'Crash'`)
    expect(rows.map(({ id }) => id)).toEqual(expect.arrayContaining(acknowledged))
    for (const { id } of rows) await tap.next('customer.created.v1', id, 20_000)
  })

  it('user-service away: what happened in Keycloak meanwhile appears when it is back', async () => {
    await system.kill('user-service')
    const { id, username } = await tokenFor('nobody')
    const admin = client(system.gateway, (await tokenFor('admin')).token)
    const down = await admin.get('/v1/users')
    expect([502, 503]).toContain(down.status)
    expect(down.headers.get('retry-after')).toMatch(/^\d+$/)
    await system.start('user-service')
    await eventually(async () => expect((await admin.get(`/v1/users/${id}`)).body).toMatchObject({ username }))
  })
})
