import { type System, startSystem } from '@clientele/e2e/system'
import { testDatabase } from '@clientele/platform/testing/database'
import { backendsOf } from '../backends.ts'
import type { Target } from '../drive.ts'
import type { Bench, Figure, Part } from '../part.ts'
import { newSession } from '../session.ts'
import { compareSizes } from '../sizes.ts'
import { oneProduct } from './orders-buyers.ts'
import { orderOperations, productOperations } from './orders-operations.ts'
import { comparePlacing } from './orders-placing.ts'
import { script } from './orders-script.ts'
import { seedOrders } from './orders-seed.ts'

const few = { products: 10_000, orders: 10_000 }
const many = { products: 100_000, orders: 1_000_000 }
const plenty = '10000000'
const env = { LOG_LEVEL: 'info' }
// All requests come from one address and one user.
const limits = { RATE_LIMIT_USER: plenty, RATE_LIMIT_ADDRESS: plenty, MAX_IN_FLIGHT_PER_CLIENT: '1000' }
const start = () => startSystem({ gateway: { ...limits, ...env }, 'order-service': env }, { logFile: '/dev/null' })

type Token = Target['token']

/** Starts the large one beside the small one and ends it again. */
const compareLists = async (small: System, token: Token, bench: Bench): Promise<Figure[]> => {
  const closing: (() => Promise<unknown>)[] = []
  try {
    const large = await start()
    closing.push(large.close)
    const from = Date.now()
    await seedOrders(large.database('order-service'), many)
    const seeded = (Date.now() - from) / 1_000
    bench.say(`${many.orders} orders in ${seeded.toFixed(0)} s`)
    const sides: Target[] = []
    for (const system of [small, large]) {
      const backends = await backendsOf(system.database('order-service'))
      closing.push(backends.end)
      const pids = async () => [system.pid('order-service'), ...(await backends.pids())]
      sides.push({ url: system.url('order-service'), token, pids })
    }
    return [
      ...(await compareSizes(productOperations, sides, { few: '10,000', many: '100,000' }, bench)),
      ...(await compareSizes(orderOperations, sides, { few: '10,000', many: '1,000,000' }, bench)),
      { what: 'a million orders and a hundred thousand products seeded', value: seeded, unit: 's' },
    ]
  } finally {
    for (const close of closing.toReversed()) await close().catch(() => {})
  }
}

export const orders: Part = {
  name: 'orders',
  about: `Orders of three of ${few.products} products through gateway and order-service, token check, relay and consumers included, beside the service's own statements in pgbench (\`-M prepared\`, below) on a database of the same rows in the same PostgreSQL, whose events nobody relays; ours all reach a quorum queue, as an activity-service would have one. They name no customer, so nobody is told of them. PostgreSQL waits for the disk on both sides. Then many buyers of one product. Then lists at both sizes: CPU of service and PostgreSQL.

\`\`\`sql
${script.trim()}
\`\`\``,
  run: async (bench) => {
    // A token lives for minutes, a run longer.
    const token = await newSession()
    const closing: (() => Promise<unknown>)[] = []
    try {
      const small = await start()
      closing.push(small.close)
      const migrations = new URL('../../order-service/migrations/', import.meta.url)
      const peer = await testDatabase({ schema: 'orders', migrations })
      closing.push(peer.drop)
      for (const url of [small.database('order-service'), peer.url]) await seedOrders(url, few)
      const sizes = await compareLists(small, token, bench)
      const target = { url: small.gateway, token, pids: () => [small.pid('gateway'), small.pid('order-service')] }
      return [
        ...(await comparePlacing(small, { target, peer: peer.url, products: few.products }, bench)),
        ...(await oneProduct(target, small.database('order-service'), bench)),
        ...sizes,
      ]
    } finally {
      for (const close of closing.toReversed()) await close().catch(() => {})
    }
  },
}
