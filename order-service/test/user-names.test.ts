import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { tablesWithText } from '../../features/test/find-text.ts'
import { userEvent } from '../../features/test/user-event.ts'
import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
let user: { id: string; token: string }
beforeAll(async () => {
  service = await startOrders()
  // An event without a queue would stay in the outbox.
  await service.broker.subscribe()
  user = await signedInAs('user')
}, 60_000)
afterAll(() => service?.stop())

const { createOrder, createProduct } = orderCalls(() => service)
const publish = (type: string, id: string, fields: object) => service.broker.publish(userEvent(type, id, { ...fields }))

type Actors = { createdBy: { id: string; displayName: string }; updatedBy?: { displayName: string } }
const namesOf = ({ createdBy, updatedBy }: Actors) =>
  [createdBy, updatedBy].flatMap((actor) => actor?.displayName ?? [])

/** Everything of order-service that shows the name of a user: each path with the names that it shows. */
const shownNames = async (paths: string[]): Promise<Record<string, string[]>> =>
  Object.fromEntries(
    await Promise.all(
      paths.map(async (path) => {
        const { body } = await service.admin.get(path)
        const records = (body.data ?? [body]) as Actors[]
        return [path, [...new Set(records.flatMap(namesOf))]]
      }),
    ),
  )

describe('The names of users', () => {
  it('a new name is shown everywhere, and after a deletion neither name is shown or stored any more', async () => {
    const product = await createProduct({ stock: 5 })
    await service.user.patch(`/v1/products/${product.id}`, { name: 'Renamed' })
    const order = await createOrder([{ productId: product.id, quantity: 1 }])
    const { body: job } = await service.user.post('/v1/product-exports', { format: 'ndjson' })
    const csv = { headers: { 'content-type': 'text/csv' }, body: 'name,price\nA,1\n' }
    const { body: imported } = await service.user.raw('POST', '/v1/product-imports', csv)
    const oldName = product.createdBy.displayName
    expect((await tablesWithText(service.db, [oldName])).sort()).toEqual(
      expect.arrayContaining(['imports', 'jobs', 'orders', 'products', 'stock_movements']),
    )
    const paths = [
      '/v1/products',
      `/v1/products/${product.id}`,
      `/v1/products/${product.id}/stock-movements`,
      '/v1/orders',
      `/v1/orders/${order.id}`,
      '/v1/order-jobs',
      `/v1/order-jobs/${job.id}`,
      '/v1/product-imports',
      `/v1/product-imports/${imported.id}`,
    ]
    const all = (name: string) => Object.fromEntries(paths.map((path) => [path, [name]]))
    const exportedNames = async () => {
      const { body } = await service.user.post('/v1/product-exports', { format: 'json', fields: ['createdBy'] })
      const location = `/v1/order-jobs/${body.id}`
      await eventually(async () => expect((await service.admin.get(location)).body.status).toBe('succeeded'), {
        timeoutMs: 20_000,
      })
      return [...new Set((await service.admin.get(`${location}/result`)).body.flatMap(namesOf))]
    }

    await publish('user.updated.v1', user.id, { displayName: 'Zerafina Quill', version: 2 })
    await eventually(async () => expect(await shownNames(paths)).toEqual(all('Zerafina Quill')))
    expect(await exportedNames()).toEqual(['Zerafina Quill'])

    await publish('user.deleted.v1', user.id, { displayName: 'Zerafina Quill', enabled: false, version: 3 })
    await eventually(async () => expect(await shownNames(paths)).toEqual(all('deleted user')))
    await eventually(async () => expect(await tablesWithText(service.db, [oldName, 'Zerafina', 'Quill'])).toEqual([]), {
      timeoutMs: 20_000,
    })
  }, 60_000)

  it('an e-mail address that was stored as a name is not shown, whether the user is known or not', async () => {
    const [known, unknown] = [await createProduct(), await createProduct()]
    const setCreator = (id: string, creator: string) =>
      service.db.query('update products set created_by = $2, created_by_name = $3 where id = $1', [
        id,
        creator,
        'ana@example.org',
      ])
    await setCreator(known.id, 'known-user')
    await setCreator(unknown.id, 'unknown-user')
    await publish('user.updated.v1', 'known-user', { displayName: 'ben@example.org', version: 2 })
    const creatorOf = async (id: string) => (await service.admin.get(`/v1/products/${id}`)).body.createdBy
    await eventually(async () =>
      expect(await creatorOf(known.id)).toEqual({ id: 'known-user', displayName: 'User know' }),
    )
    expect(await creatorOf(unknown.id)).toEqual({ id: 'unknown-user', displayName: 'User unkn' })
    expect(await tablesWithText(service.db, ['ben@example.org'])).toEqual([])
  })
})
