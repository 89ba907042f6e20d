import { type System, startSystem } from '@clientele/e2e/system'
import { testDatabase } from '@clientele/platform/testing/database'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { compareSizes } from '../compare-sizes.ts'
import { openBackends } from '../postgres-backends.ts'
import type { Target } from '../requests.ts'
import { newSession } from '../session.ts'
import { measureOneProduct } from './orders-one-product.ts'
import { orderOperations, productOperations } from './orders-operations.ts'
import { comparePlacing } from './orders-placing.ts'
import { script } from './orders-script.ts'
import { seedOrders } from './orders-seed.ts'

const smallSize = { products: 10_000, orders: 10_000 }
const largeSize = { products: 100_000, orders: 1_000_000 }
const unlimited = '10000000'
const env = { LOG_LEVEL: 'info' }
// All requests come from one address and one user.
const unlimitedWork = {
  WORK_MS_PER_MINUTE: unlimited,
  BODY_BYTES_PER_MINUTE: '1000000000000',
  ROWS_PER_MINUTE: '1000000000',
}
const limits = { RATE_LIMIT_USER: unlimited, RATE_LIMIT_ADDRESS: unlimited, MAX_IN_FLIGHT_PER_CLIENT: '1000' }
const start = () =>
  startSystem(
    { gateway: { ...limits, ...env }, 'order-service': { ...env, ...unlimitedWork } },
    { logFile: '/dev/null' },
  )

type Token = Target['token']

/** Compares the small system with a large one that it starts and stops. */
const compareLists = async (small: System, token: Token, bench: BenchmarkContext): Promise<Figure[]> => {
  const closing: (() => Promise<unknown>)[] = []
  try {
    const large = await start()
    closing.push(large.close)
    const from = Date.now()
    await seedOrders(large.database('order-service'), largeSize)
    const seeded = (Date.now() - from) / 1_000
    bench.log(`${largeSize.orders} orders in ${seeded.toFixed(0)} s`)
    const sides: Target[] = []
    for (const system of [small, large]) {
      const backends = await openBackends(system.database('order-service'))
      closing.push(backends.end)
      const pids = async () => [system.pid('order-service'), ...(await backends.pids())]
      sides.push({ url: system.url('order-service'), token, pids })
    }
    return [
      ...(await compareSizes(productOperations, sides, { few: '10,000', many: '100,000' }, bench)),
      ...(await compareSizes(orderOperations, sides, { few: '10,000', many: '1,000,000' }, bench)),
      { what: 'seeding 1,000,000 orders and 100,000 products', value: seeded, unit: 's' },
    ]
  } finally {
    for (const close of closing.toReversed()) await close().catch(() => {})
  }
}

export const orders: Benchmark = {
  name: 'orders',
  about: `Placing orders of three of ${smallSize.products} products through gateway and order-service, including token check, relay and consumers, relative to the service's own SQL statements in pgbench (\`-M prepared\`, below) on a database with the same rows in the same PostgreSQL. The events of pgbench are not published; ours all go to a quorum queue. The orders name no customer, so no notification is sent. PostgreSQL waits for the disk on both sides. Then many buyers of one product. Then lists at both sizes: CPU time of the service and its PostgreSQL.

\`\`\`sql
${script.trim()}
\`\`\``,
  run: async (bench) => {
    // A run takes longer than an access token is valid.
    const token = await newSession()
    const closing: (() => Promise<unknown>)[] = []
    try {
      const small = await start()
      closing.push(small.close)
      const migrations = new URL('../../order-service/migrations/', import.meta.url)
      const peer = await testDatabase({ schema: 'orders', migrations })
      closing.push(peer.drop)
      for (const url of [small.database('order-service'), peer.url]) await seedOrders(url, smallSize)
      const sizes = await compareLists(small, token, bench)
      const target = { url: small.gateway, token, pids: () => [small.pid('gateway'), small.pid('order-service')] }
      return [
        ...(await comparePlacing(small, { target, peer: peer.url, products: smallSize.products }, bench)),
        ...(await measureOneProduct(target, small.database('order-service'), bench)),
        ...sizes,
      ]
    } finally {
      for (const close of closing.toReversed()) await close().catch(() => {})
    }
  },
}
