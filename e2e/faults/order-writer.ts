import type { OrderState, ProductState } from './ledger.ts'
import { jsonHeaders, newIdempotencyKey, reportUnexpected, type Writer, type WriterContext } from './writer.ts'

const targetProducts = 4
const firstStock = 60

/**
 * Creates products, places orders until stock runs out, delivers more, and fulfils or cancels orders. All order writers order
 * the same products. The last response for each order is its expected end state.
 */
export const orderWriter = ({ traffic, ledger, random, tokens, name }: WriterContext): Writer => {
  const token = tokens.user
  const own: OrderState[] = []
  const post = (path: string, body?: object) => {
    const headers = { ...(body && jsonHeaders), 'idempotency-key': newIdempotencyKey(random, name) }
    return traffic.sendWithRetry({ method: 'POST', path, token, headers, ...(body && { body: JSON.stringify(body) }) })
  }

  const createProduct = async (): Promise<void> => {
    const response = await post('/v1/products', { name: `Goods of ${name}`, price: '4.20', stock: firstStock })
    if (!response) return
    if (response.status !== 201) return reportUnexpected(traffic, 'create a product', response)
    ledger.products.push({ id: response.body.id, delivered: firstStock, certain: true })
  }

  const deliver = async (product: ProductState): Promise<void> => {
    const response = await post(`/v1/products/${product.id}/stock-movements`, { delta: 20, reason: 'delivery' })
    if (!response) product.certain = false
    else if (response.status === 201) product.delivered += 20
    else reportUnexpected(traffic, 'deliver goods', response)
  }

  const place = async (): Promise<void> => {
    const items = random.shuffle(ledger.products).slice(0, 1 + random.below(3))
    const lines = items.map(({ id }) => ({ productId: id, quantity: 1 + random.below(3) }))
    const customer = random.next() < 0.6 ? ledger.customers.findLast(({ state }) => state === 'active') : undefined
    const text = { description: 'wrapping', unitPrice: '0.50' }
    const response = await post('/v1/orders', {
      lines: [...lines, text],
      note: name,
      ...(customer && { customerId: customer.id }),
    })
    if (!response) {
      for (const product of items) product.certain = false
      ledger.addUncertainOrder()
      return
    }
    if (response.status === 409 && response.body.code === 'insufficient_stock') return
    // The customer was deleted or purged meanwhile.
    if (response.status === 422 && response.body.errors?.[0]?.pointer === '/customerId') return
    if (response.status !== 201) return reportUnexpected(traffic, 'place an order', response)
    const order: OrderState = { id: response.body.id, lines, state: 'placed', certain: true }
    own.push(order)
    ledger.orders.push(order)
  }

  const finish = async (order: OrderState, verb: 'cancel' | 'fulfil'): Promise<void> => {
    const response = await post(`/v1/orders/${order.id}/${verb}`)
    if (!response) order.certain = false
    else if (response.status === 200) order.state = verb === 'cancel' ? 'cancelled' : 'fulfilled'
    else reportUnexpected(traffic, `${verb} an order`, response)
  }

  return {
    pauseMs: 250,
    step: async () => {
      if (ledger.products.length < targetProducts) return createProduct()
      const open = own.filter(({ state, certain }) => certain && state === 'placed')
      const dice = random.next()
      if (dice < 0.1) return deliver(random.pick(ledger.products))
      if (dice < 0.35 && open.length > 0) return finish(random.pick(open), random.next() < 0.5 ? 'cancel' : 'fulfil')
      if (dice < 0.4) return void (await traffic.sendWithRetry({ method: 'GET', path: '/v1/orders?limit=5', token }))
      return place()
    },
  }
}
