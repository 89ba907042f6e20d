import { gatewayTimeoutHeader } from '@clientele/platform/http/gateway-timeout'
import { aProduct, type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const batch = (items: unknown[], headers = {}) => service.user.post('/v1/products/batch', { items }, headers)
const create = async (fields = {}) => (await service.user.post('/v1/products', aProduct(fields))).body
const read = async (id: string) => (await service.user.get(`/v1/products/${id}?trashed=true`)).body

describe('POST /v1/products/batch', () => {
  it('a batch creates, updates, deletes and restores products, and each item has its own result', async () => {
    const [updated, deleted, trashed] = [await create(), await create(), await create()]
    await service.user.delete(`/v1/products/${trashed.id}`)
    const input = aProduct()
    const { status, body } = await batch([
      { op: 'create', data: input },
      { op: 'update', key: updated.sku, idBy: 'sku', data: { price: '9.5' }, version: 1 },
      { op: 'delete', id: deleted.id },
      { op: 'restore', id: trashed.id },
      { op: 'create', data: { name: 'No price', colour: 'red' } },
      { op: 'create', data: aProduct({ sku: input.sku }) },
      { op: 'update', id: updated.id, data: { name: 'late' }, version: 1 },
      { op: 'delete', data: {} },
    ])
    expect(status).toBe(422)
    expect(body.errors).toMatchObject([{ pointer: '/items/7/data', code: 'unknown_field' }])

    const valid = await batch([
      { op: 'create', data: input },
      { op: 'update', key: updated.sku, idBy: 'sku', data: { price: '9.5' }, version: 1 },
      { op: 'delete', id: deleted.id },
      { op: 'restore', id: trashed.id },
      { op: 'create', data: { name: 'No price', colour: 'red' } },
      { op: 'create', data: aProduct({ sku: input.sku }) },
      { op: 'update', id: updated.id, data: { name: 'late' }, version: 1 },
      { op: 'delete' },
    ])
    const { results, counts } = valid.body
    expect([valid.status, counts]).toEqual([207, { succeeded: 4, failed: 4 }])
    expect(results.map((each: { status: number }) => each.status)).toEqual([201, 200, 204, 200, 422, 409, 412, 422])
    expect(results[0].product).toEqual(await read(results[0].id))
    expect(results[1]).toEqual({ index: 1, status: 200, id: updated.id, product: await read(updated.id) })
    expect(results[1].product.price).toBe('9.50')
    expect(results[2]).toEqual({ index: 2, status: 204, id: deleted.id })
    expect((await read(deleted.id)).deletedAt).not.toBeNull()
    expect(results[3].product.deletedAt).toBeNull()
    expect(results[4].problem.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/colour',
      '/price',
    ])
    expect(results[5].problem).toMatchObject({ code: 'duplicate', conflictingId: results[0].id })
  })

  it('a batch of which all items succeed with one status is 200, and its Idempotency-Key replays the response', async () => {
    const items = [
      { op: 'create', data: aProduct() },
      { op: 'create', data: aProduct() },
    ]
    const first = await batch(items, { 'idempotency-key': 'products-1' })
    expect([first.status, first.body.counts]).toEqual([200, { succeeded: 2, failed: 0 }])
    expect((await batch(items, { 'idempotency-key': 'products-1' })).body).toEqual(first.body)
  })

  it('batches with an Idempotency-Key lock products as orders do, so that neither deadlocks', async () => {
    const products = await Promise.all(Array.from({ length: 6 }, () => create({ stock: 1_000 })))
    const ids = products.map(({ id }) => id).sort()
    const update = (round: number) =>
      batch(
        ids.toReversed().map((id) => ({ op: 'update', id, data: { description: `round ${round}` } })),
        { 'idempotency-key': `round-${round}` },
      )
    const order = () => service.user.post('/v1/orders', { lines: ids.map((productId) => ({ productId, quantity: 1 })) })
    const responses = await Promise.all(Array.from({ length: 8 }, (_, round) => [update(round), order()]).flat())
    expect(responses.map(({ status }) => status)).toEqual(Array.from({ length: 8 }, () => [200, 201]).flat())
  })

  it('items that the batch has no time for are 503 and were not tried', async () => {
    const product = await create()
    const { body } = await batch([{ op: 'delete', id: product.id }], { [gatewayTimeoutHeader]: '0.000001' })
    expect([body.results[0].status, body.results[0].problem.code]).toEqual([503, 'unavailable'])
    expect((await read(product.id)).deletedAt).toBeNull()
  })
})
