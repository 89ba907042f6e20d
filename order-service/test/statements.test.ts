import { openConnections, recordStatements } from '@clientele/platform/testing/statements'
import { aProduct, type Running, startOrders } from './start.ts'

let service: Running
let statements: ReturnType<typeof recordStatements>
beforeAll(async () => {
  service = await startOrders()
  statements = recordStatements()
  await openConnections(service.db)
})
afterAll(async () => {
  statements?.stop()
  await service?.stop()
})

describe('The statements of a request', () => {
  it.each(['/v1/products/{id}', '/v1/products', '/v1/products?low=true', '/v1/orders', '/v1/orders?q=mug'])(
    'to read %s is one',
    async (path) => {
      const { body } = await service.admin.post('/v1/products', aProduct())
      const of = path.replace('{id}', body.id)
      // The size of a table, and names of users, are read once and kept for a while.
      await service.admin.get(of)
      expect(await statements.of((headers) => service.admin.get(of, headers))).toHaveLength(1)
    },
  )

  it('to change a product are five, since a lock keeps orders from moving its stock in between', async () => {
    const { body } = await service.admin.post('/v1/products', aProduct())
    const sent = await statements.of((headers) =>
      service.admin.patch(`/v1/products/${body.id}`, { name: 'Mug' }, headers),
    )
    expect(sent.map((sql) => sql.split(' ')[0]?.toLowerCase())).toEqual([
      'start',
      'select',
      'update',
      'insert',
      'commit;',
    ])
  })
})
