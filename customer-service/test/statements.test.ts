import { randomUUID } from 'node:crypto'
import { asOwner } from '@clientele/platform/testing/database'
import { openConnections, recordStatements } from '@clientele/platform/testing/statements'
import { eventually } from '@clientele/platform/testing/wait'
import { aCustomer, type Running, startCustomers } from './start.ts'

type Headers = Record<string, string>

let service: Running
let statements: ReturnType<typeof recordStatements>
beforeAll(async () => {
  service = await startCustomers()
  statements = recordStatements()
  await openConnections(service.db)
})
afterAll(async () => {
  statements?.stop()
  await service?.stop()
})

const newCustomer = async (fields = {}) => (await service.user.post('/v1/customers', aCustomer(fields))).body
/** The statements of a request of a user whose name the service has just read. */
const statementsOf = async (send: (headers: Headers) => Promise<unknown>): Promise<string[]> => {
  await service.user.get(`/v1/customers/${(await newCustomer()).id}`)
  return statements.of(send)
}

describe('The statements of a request', () => {
  it('to read a customer is one, by each key', async () => {
    const { id, code, email } = await newCustomer()
    for (const key of [id, `${code}?idBy=code`, `${email}?idBy=email`])
      expect(await statementsOf((headers) => service.user.get(`/v1/customers/${key}`, headers))).toHaveLength(1)
  })

  it.each(['', '?limit=2&sort=surname', '?tag=vip', '?total=exact', '?total=none', '?q=lovelace&sort=relevance'])(
    'to read the page %s is one, with its total',
    async (query) => {
      for (const tags of [['vip'], ['vip'], ['vip']]) await newCustomer({ tags })
      // The size of the table is read once in ten minutes.
      const path = `/v1/customers${query}`
      await service.user.get(path)
      expect(await statementsOf((headers) => service.user.get(path, headers))).toHaveLength(1)
    },
  )

  it('to read a page by its cursor is one, which does not count', async () => {
    for (let count = 0; count < 3; count += 1) await newCustomer()
    const { nextCursor } = (await service.user.get('/v1/customers?limit=1')).body.page
    const path = `/v1/customers?limit=1&cursor=${nextCursor}`
    expect(await statementsOf((headers) => service.user.get(path, headers))).toEqual([
      expect.not.stringContaining('count('),
    ])
  })

  it('to create a customer are two: its code, and the customer with its event', async () => {
    const sent = await statementsOf((headers) => service.user.post('/v1/customers', aCustomer(), headers))
    expect(sent).toEqual([
      expect.stringContaining('next_customer_code'),
      expect.stringMatching(/insert into customers.*insert into outbox/s),
    ])
  })

  it.each(['patch', 'put'] as const)(
    'to change a customer with %s are two: the customer as it is, and the next version with its event',
    async (method) => {
      const { id, version, ...fields } = await newCustomer()
      const body = method === 'put' ? { name: 'Eve', surname: fields.surname } : { name: 'Eve' }
      const sent = await statementsOf((headers) =>
        service.user[method](`/v1/customers/${id}`, body, { ...headers, 'if-match': `"${version}"` }),
      )
      expect(sent).toEqual([
        expect.stringMatching(/^select/i),
        expect.stringMatching(/update customers.*insert into outbox/s),
      ])
    },
  )

  it('to change nothing is one', async () => {
    const { id, name } = await newCustomer()
    const sent = await statementsOf((headers) => service.user.patch(`/v1/customers/${id}`, { name }, headers))
    expect(sent).toHaveLength(1)
  })

  it('to move a customer to the trash are four, in a transaction', async () => {
    const { id } = await newCustomer()
    const sent = await statementsOf((headers) => service.user.delete(`/v1/customers/${id}`, headers))
    expect(sent.map((sql) => sql.split(' ')[0]?.toLowerCase())).toEqual(['start', 'select', 'with', 'commit;'])
  })
})

describe('A change that another one overtakes', () => {
  /** Sends a request that reads a customer before, and writes it after, the statement `sql` is committed. */
  const overtake = async <T>(sql: string, send: () => Promise<T>): Promise<T> => {
    const tx = await service.db.sequelize.transaction()
    await service.db.query(sql, [], { tx })
    const response = send()
    await eventually(async () => {
      const waiting = `select from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`
      expect(await service.db.query(waiting)).toHaveLength(1)
    })
    await tx.commit()
    return response
  }

  it('is made again with a lock, upon the other one', async () => {
    const { id } = await newCustomer()
    const other = `update customers set surname = 'Other', version = version + 1 where id = '${id}'`
    const sent = await statements.of((headers) =>
      overtake(other, () => service.user.patch(`/v1/customers/${id}`, { name: 'Eve' }, headers)),
    )
    expect(sent.filter((text) => /^start|^commit/i.test(text))).toHaveLength(2)
    const { body } = await service.user.get(`/v1/customers/${id}`)
    expect(body).toMatchObject({ name: 'Eve', surname: 'Other', version: 3 })
  })

  it('is a 412 if it was for the former version, and a 404 if the customer is gone', async () => {
    const { id } = await newCustomer()
    const change = () => service.user.patch(`/v1/customers/${id}`, { name: 'Eve' }, { 'if-match': '"1"' })
    const changed = await overtake(`update customers set version = version + 1 where id = '${id}'`, change)
    expect([changed.status, changed.body.current.version]).toEqual([412, 2])
    const trash = `update customers set deleted_at = now(), version = version + 1 where id = '${id}'`
    const gone = await overtake(trash, () => service.user.patch(`/v1/customers/${id}`, { name: 'Eve' }))
    expect(gone.status).toBe(404)
  })
})

describe('A customer and its event', () => {
  it('are both missing if the event cannot be added', async () => {
    const { id, version, updatedAt } = await newCustomer()
    await asOwner(
      service.database,
      `alter table outbox add constraint no_mallory check (data->>'name' <> 'Mallory') not valid`,
    )
    try {
      expect((await service.user.patch(`/v1/customers/${id}`, { name: 'Mallory' })).status).toBe(500)
      const email = `${randomUUID()}@example.com`
      expect((await service.user.post('/v1/customers', aCustomer({ name: 'Mallory', email }))).status).toBe(500)
      expect((await service.user.get(`/v1/customers/${id}`)).body).toMatchObject({ version, updatedAt })
      expect((await service.user.get(`/v1/customers?email=${email}`)).body.page.total).toBe(0)
    } finally {
      await asOwner(service.database, 'alter table outbox drop constraint no_mallory')
    }
  })

  it('are written once with an Idempotency-Key, also after a duplicate', async () => {
    const { email } = await newCustomer()
    const key = { 'idempotency-key': randomUUID() }
    const taken = await service.user.post('/v1/customers', aCustomer({ email }), key)
    expect([taken.status, taken.body.code]).toEqual([409, 'duplicate'])
    const body = aCustomer()
    const again = { 'idempotency-key': randomUUID() }
    const [first, second] = [
      await service.user.post('/v1/customers', body, again),
      await service.user.post('/v1/customers', body, again),
    ]
    expect([first.status, second.body.id]).toEqual([201, first.body.id])
    expect((await service.user.get(`/v1/customers?email=${body.email}`)).body.page.total).toBe(1)
  })
})
