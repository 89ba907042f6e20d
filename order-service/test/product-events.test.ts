import type { EventSubscription } from '@clientele/platform/testing/broker'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { aProduct, type Running, startOrders } from './start.ts'

let service: Running
let tap: EventSubscription
beforeAll(async () => {
  service = await startOrders()
  tap = await service.broker.subscribe()
})
afterAll(() => service?.stop())

type Data = { version: number; stock: number; movement?: { delta: number; stockAfter: number } }
const eventsOf = (id: string) =>
  tap
    .all()
    .filter(({ subject }) => subject === id)
    .map(({ type, data }) => ({ type, data: data as Data }))

describe('Events of a product', () => {
  it('every change of a product publishes an event, in order, with the version and the actor', async () => {
    const { id: userId } = await signedInAs('user')
    const { id: adminId } = await signedInAs('admin')
    const { body } = await service.user.post('/v1/products', aProduct({ stock: 10 }))
    const path = `/v1/products/${body.id}`
    await service.admin.patch(path, { name: 'Other', price: '3.5' })
    await service.user.post(`${path}/stock-movements`, { delta: -4, reason: 'broken' })
    await service.user.patch(path, { stock: 8, description: 'found two' }, { 'if-match': '"3"' })
    await service.user.delete(path)
    await service.user.post(`${path}/restore`)
    await service.admin.delete(`${path}?purge=true`)
    await tap.next('product.purged.v1', body.id)

    const events = eventsOf(body.id)
    expect(events.map(({ type, data }) => [type, data.version])).toEqual([
      ['product.created.v1', 1],
      ['product.stock_changed.v1', 1],
      ['product.updated.v1', 2],
      ['product.stock_changed.v1', 3],
      ['product.updated.v1', 4],
      ['product.stock_changed.v1', 5],
      ['product.archived.v1', 6],
      ['product.restored.v1', 7],
      ['product.purged.v1', 8],
    ])
    const [created, initial, updated, broken] = events.map(({ data }) => data)
    const { photoUrl: _link, photoUrls: _links, ...product } = body
    expect(created).toEqual({ ...product, actor: { id: userId, displayName: expect.any(String) } })
    expect(initial?.movement).toMatchObject({ kind: 'initial', delta: 10, stockAfter: 10 })
    expect(updated).toMatchObject({
      ...{ name: 'Other', price: '3.50', actor: { id: adminId }, changed: ['name', 'price'] },
      previous: { name: body.name, price: '2.20' },
    })
    expect(broken).toMatchObject({
      ...{ id: body.id, sku: body.sku, name: 'Other', stock: 6, lowStockAt: null },
      movement: { productId: body.id, delta: -4, stockAfter: 6, kind: 'manual', reason: 'broken', orderId: null },
    })
    expect(events.at(-1)?.data.stock).toBe(8)
  })

  it('product.stock_low.v1 is published once each time the stock falls to lowStockAt or below', async () => {
    const { body } = await service.user.post('/v1/products', aProduct({ stock: 10, lowStockAt: 5 }))
    const move = (delta: number) =>
      service.user.post(`/v1/products/${body.id}/stock-movements`, { delta, reason: 'counted' })
    for (const delta of [-4, -1, -1, -2, 3, -1, 10, -12, 1]) await move(delta)
    await service.user.patch(`/v1/products/${body.id}`, { name: 'The end' })
    await tap.next('product.updated.v1', body.id)
    const low = eventsOf(body.id).filter(({ type }) => type === 'product.stock_low.v1')
    // 10, 6, [5], 4, 2, 5, 4, 14, [2], 3
    expect(low.map(({ data }) => [data.stock, data.movement?.delta])).toEqual([
      [5, -1],
      [2, -12],
    ])
  })

  it('a refused request, or one that changes nothing, publishes no event', async () => {
    const { body } = await service.user.post('/v1/products', aProduct({ stock: 1 }))
    const path = `/v1/products/${body.id}`
    await service.user.post(`${path}/stock-movements`, { delta: -2, reason: 'x' })
    await service.user.patch(path, { price: '2.20', stock: 1 })
    await service.user.patch(path, { price: '2.201' })
    await service.user.post('/v1/products', aProduct({ sku: body.sku }))
    await service.user.delete(path)
    await tap.next('product.archived.v1', body.id)
    expect(eventsOf(body.id).map(({ type }) => type)).toEqual([
      'product.created.v1',
      'product.stock_changed.v1',
      'product.archived.v1',
    ])
  })
})
