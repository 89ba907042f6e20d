import type { KnownOrder, KnownProduct } from './ledger.ts'
import { json, keyFrom, unexpected, type Writer, type WriterParts } from './writers.ts'

const mostProducts = 4
const firstStock = 60

/**
 * Makes products and orders them, so often that they run out; fulfils and cancels. All order writers take from the same
 * products. What each answer says is what must be there in the end.
 */
export const orderWriter = ({ traffic, ledger, random, people, name }: WriterParts): Writer => {
  const token = people.user
  const own: KnownOrder[] = []
  const post = (path: string, body?: object) => {
    const headers = { ...(body && json), 'idempotency-key': keyFrom(random, name) }
    return traffic.settle({ method: 'POST', path, token, headers, ...(body && { body: JSON.stringify(body) }) })
  }

  const createProduct = async (): Promise<void> => {
    const answer = await post('/v1/products', { name: `Goods of ${name}`, price: '4.20', stock: firstStock })
    if (!answer) return
    if (answer.status !== 201) return unexpected(traffic, 'create a product', answer)
    ledger.products.push({ id: answer.body.id, delivered: firstStock, known: true })
  }

  const deliver = async (product: KnownProduct): Promise<void> => {
    const answer = await post(`/v1/products/${product.id}/stock-movements`, { delta: 20, reason: 'delivery' })
    if (!answer) product.known = false
    else if (answer.status === 201) product.delivered += 20
    else unexpected(traffic, 'deliver goods', answer)
  }

  const place = async (): Promise<void> => {
    const items = random.shuffled(ledger.products).slice(0, 1 + random.below(3))
    const lines = items.map(({ id }) => ({ productId: id, quantity: 1 + random.below(3) }))
    const customer = random.next() < 0.6 ? ledger.customers.findLast(({ state }) => state === 'active') : undefined
    const text = { description: 'wrapping', unitPrice: '0.50' }
    const answer = await post('/v1/orders', {
      lines: [...lines, text],
      note: name,
      ...(customer && { customerId: customer.id }),
    })
    if (!answer) {
      for (const product of items) product.known = false
      ledger.lostOrder()
      return
    }
    if (answer.status === 409 && answer.body.code === 'insufficient_stock') return
    // Somebody else trashed or purged the customer meanwhile.
    if (answer.status === 422 && answer.body.errors?.[0]?.pointer === '/customerId') return
    if (answer.status !== 201) return unexpected(traffic, 'place an order', answer)
    const order: KnownOrder = { id: answer.body.id, lines, state: 'placed', known: true }
    own.push(order)
    ledger.orders.push(order)
  }

  const close = async (order: KnownOrder, verb: 'cancel' | 'fulfil'): Promise<void> => {
    const answer = await post(`/v1/orders/${order.id}/${verb}`)
    if (!answer) order.known = false
    else if (answer.status === 200) order.state = verb === 'cancel' ? 'cancelled' : 'fulfilled'
    else unexpected(traffic, `${verb} an order`, answer)
  }

  return {
    pauseMs: 250,
    step: async () => {
      if (ledger.products.length < mostProducts) return createProduct()
      const open = own.filter(({ state, known }) => known && state === 'placed')
      const dice = random.next()
      if (dice < 0.1) return deliver(random.pick(ledger.products))
      if (dice < 0.35 && open.length > 0) return close(random.pick(open), random.next() < 0.5 ? 'cancel' : 'fulfil')
      if (dice < 0.4) return void (await traffic.settle({ method: 'GET', path: '/v1/orders?limit=5', token }))
      return place()
    },
  }
}
