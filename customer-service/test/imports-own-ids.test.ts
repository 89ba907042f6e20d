import { randomUUID } from 'node:crypto'
import { counts, createImportClient, csv } from './import-client.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
let files: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers()
  files = createImportClient(service.user)
})
afterAll(() => service?.stop())

const createCustomer = async (fields: Record<string, unknown> = {}) =>
  (await service.user.post('/v1/customers', aCustomer(fields))).body
const getCustomer = async (id: string) => (await service.user.get(`/v1/customers/${id}`)).body
const unknownId = '0190a5c4-6f00-7000-8000-000000000001'

describe('Imports of rows with our own ids', () => {
  it.each([
    ['id', ['id', 'code', 'name', 'surname', 'email', 'phone']],
    ['code', ['code', 'name', 'surname', 'email']],
  ] as const)(
    'an export with corrected e-mail addresses changes the customers, matched by %s',
    async (key, columns) => {
      const customers = [await createCustomer({ phone: '+254711000451' }), await createCustomer()]
      const rows = customers.map((customer) =>
        Object.fromEntries(
          columns.map((column) => [column, column === 'email' ? `new.${customer.email}` : (customer[column] ?? '')]),
        ),
      )
      const { id, matchBy, counts: predicted } = await files.check(csv(rows))
      expect([matchBy, predicted]).toEqual([key, counts({ updated: 2 })])
      expect((await files.commit(id)).counts).toEqual(counts({ updated: 2 }))
      for (const { id: customerId, email } of customers)
        expect((await getCustomer(customerId)).email).toBe(`new.${email}`)
    },
  )

  it('an upload can still say another match key', async () => {
    const { id, email } = await createCustomer()
    expect(await files.check(csv([{ id, email, name: 'Other' }]), { matchBy: 'email' })).toMatchObject({
      matchBy: 'email',
      counts: counts({ updated: 1 }),
    })
  })

  it.each([
    ['ids of another system', () => randomUUID()],
    ['numbers', () => String(Math.floor(Math.random() * 1e9))],
  ])('%s in a column `id` are external ids, and rows are matched by e-mail', async (_what, newId) => {
    const { email } = await createCustomer()
    const checked = await files.check(csv([{ id: newId(), email, name: 'Other' }]))
    expect(checked).toMatchObject({ matchBy: 'email', mapping: { id: 'externalId' }, counts: counts({ updated: 1 }) })
  })

  it('the dry run tells an id that no customer has', async () => {
    const { id } = await createCustomer()
    const checked = await files.check(
      csv([
        { id, name: 'Other' },
        { id: unknownId, name: 'Nobody' },
      ]),
    )
    expect(checked).toMatchObject({ matchBy: 'id', counts: counts({ updated: 1, failed: 1 }) })
    expect(checked.errors).toMatchObject([{ row: 3, pointer: '/id', code: 'no_match' }])
  })

  it('a row whose id and match key are two customers fails, and names the column', async () => {
    const [one, two] = [await createCustomer(), await createCustomer({ externalId: `x-${process.pid}` })]
    const rows = [
      { id: two.id, code: one.code, email: one.email, name: 'Both' },
      { id: '', code: two.code, email: one.email, name: 'Code' },
      { id: one.id, code: one.code, email: one.email, name: 'Right' },
      { id: one.id, code: '', email: `moved.${one.email}`, name: 'Moved' },
      { id: unknownId, code: 'CUS-99999999', email: two.email, name: 'Unknown' },
    ]
    const { id } = await files.check(csv(rows), { matchBy: 'email' })
    const done = await files.commit(id)
    expect(done.counts).toEqual(counts({ updated: 2, failed: 3 }))
    expect(done.errors.map(({ row, pointer, code, message }) => [row, pointer, code, message])).toEqual([
      [2, '/id', 'id_conflict', 'id names another customer than email; correct one of them, or remove the id'],
      [3, '/code', 'id_conflict', 'code names another customer than email; correct one of them, or remove the code'],
      [
        5,
        '/id',
        'id_conflict',
        'id names a customer and email names none; match by id to change that customer, or remove the id',
      ],
    ])
    expect([(await getCustomer(one.id)).name, (await getCustomer(two.id)).name]).toEqual(['Right', 'Unknown'])
  })

  it('a row with the id of one customer fails if its code is of another or its e-mail is taken', async () => {
    const [one, two] = [await createCustomer(), await createCustomer()]
    const { errors, counts: done } = await files.check(
      csv([
        { id: one.id, code: two.code, email: one.email },
        { id: one.id, code: one.code, email: two.email },
      ]),
    )
    expect(done).toEqual(counts({ failed: 2 }))
    expect(errors).toMatchObject([
      { pointer: '/code', code: 'id_conflict' },
      { pointer: '/email', code: 'taken' },
    ])
  })
})
