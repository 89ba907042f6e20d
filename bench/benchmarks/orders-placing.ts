import { randomUUID } from 'node:crypto'
import { type Order, orderPlaced } from '@clientele/contracts/order'
import { type Product, productStockChanged, type StockMovement } from '@clientele/contracts/product'
import { createRandom } from '@clientele/e2e/faults/random'
import type { System } from '@clientele/e2e/system'
import { exchange } from '@clientele/platform/events/broker'
import { eventually } from '@clientele/platform/testing/wait'
import { connect } from 'amqplib'
import pg from 'pg'
import type { BenchmarkContext, Figure } from '../benchmark.ts'
import { type LoadResult, load } from '../load.ts'
import { runPgbench } from '../peers/pgbench.ts'
import { adminUrl, openBackends } from '../postgres-backends.ts'
import { cpuOf } from '../process.ts'
import { medianOf, send, type Target } from '../requests.ts'
import { script } from './orders-script.ts'
import { onSale, productId } from './orders-seed.ts'

const clients = 32
const rounds = 4
const seconds = 8
const path = '/v1/orders'

type Processes = Record<string, () => number[] | Promise<number[]>>
type Placed = Awaited<ReturnType<typeof cpuByProcess>>
const random = createRandom(20_261_120)

/** Three different products, one from each third of those on sale. The pgbench script picks them in the same way. */
const randomCart = (third: number) => ({
  lines: [0, 1, 2].map((part) => ({ productId: productId(part * third + 1 + random.below(third)), quantity: 1 })),
})

const read = async <T>({ url, token }: Target, from: string): Promise<T> =>
  JSON.parse(await send(url, await token(), { path: from })) as T

/** Places one order and returns the variables of the pgbench script, among them the events that the service publishes. */
const placeSampleOrder = async (target: Target, third: number) => {
  const step = { method: 'POST', path, body: randomCart(third) }
  const { customer: _customer, ...order } = JSON.parse(await send(target.url, await target.token(), step)) as Order
  const ofProduct = `/v1/products/${order.lines[0]?.productId}`
  const { id, sku, name, stock, lowStockAt, version } = await read<Product>(target, ofProduct)
  const { data } = await read<{ data: StockMovement[] }>(target, `${ofProduct}/stock-movements?limit=1`)
  const [movement] = data
  if (!movement) throw new Error('the order has no stock movement')
  const eventData = { id, sku, name, stock, lowStockAt, movement, version }
  const dataOf = (event: { data: unknown }) => JSON.stringify(event.data)
  return {
    third,
    actor: order.createdBy.id,
    actorname: order.createdBy.displayName,
    reason: movement.reason,
    placed: dataOf(orderPlaced.of(order, order.createdBy)),
    changed: dataOf(productStockChanged.of(eventData, order.createdBy)),
  }
}

const placeOrders = async (target: Target, third: number, withKey: boolean, duration: number): Promise<LoadResult> =>
  load({
    url: target.url,
    connections: clients,
    seconds: duration,
    headers: { authorization: `Bearer ${await target.token()}`, 'content-type': 'application/json' },
    requests: [
      {
        method: 'POST',
        path,
        setupRequest: (request) => ({
          ...request,
          body: JSON.stringify(randomCart(third)),
          headers: { ...request.headers, ...(withKey && { 'idempotency-key': randomUUID() }) },
        }),
      },
    ],
  })

/** Runs `work`, which places orders. `byProcess` is the CPU time of each group of processes in µs per order. */
const cpuByProcess = async (processes: Processes, work: () => Promise<LoadResult>) => {
  const used = async () =>
    Promise.all(
      Object.entries(processes).map(
        async ([name, pids]) => [name, new Map((await pids()).map((pid) => [pid, cpuOf(pid)]))] as const,
      ),
    )
  const before = new Map(await used())
  const result = await work()
  const cpu = (await used()).map(([name, now]) => {
    const spent = [...now].map(([pid, all]) => all - (before.get(name)?.get(pid) ?? 0))
    return [name, spent.reduce((sum, each) => sum + each, 0) / result.requests] as const
  })
  return { ...result, byProcess: new Map(cpu) }
}

const catchAllQueue = 'bench.all-events'

/**
 * Creates a queue for all events that keeps the newest 1,000. Without it the broker would drop events that no service consumes, such
 * as `product.stock_changed`, which costs less.
 */
const bindCatchAllQueue = async ({ broker }: System) => {
  const model = await connect(broker.url)
  const channel = await model.createChannel()
  const limits = { 'x-queue-type': 'quorum', 'x-max-length': 1_000 }
  await channel.assertQueue(catchAllQueue, { durable: true, arguments: limits })
  await channel.bindQueue(catchAllQueue, exchange, '#')
  await model.close()
}

/** Waits until all events are published and consumed. @returns the seconds until the outbox was empty */
const waitUntilConsumed = async (system: System, database: pg.Client): Promise<number> => {
  const from = performance.now()
  const isPublished = async () => {
    const { rowCount } = await database.query('select from orders.outbox limit 1')
    if (rowCount !== 0) throw new Error('the outbox is not empty')
  }
  await eventually(isPublished, { timeoutMs: 120_000, everyMs: 20 })
  const published = (performance.now() - from) / 1_000
  const queues = await system.broker.management<{ name: string }[]>('GET', '/queues/{vhost}')
  const isConsumed = async () => {
    for (const { name } of queues)
      if (name !== catchAllQueue && (await system.broker.messageCount(name)) > 0)
        throw new Error(`${name} is not empty`)
  }
  await eventually(isConsumed, { timeoutMs: 120_000, everyMs: 100 })
  return published
}

/** Compares placing orders through the gateway with pgbench on `peer`, a database with the same rows, in turns. */
export const comparePlacing = async (
  system: System,
  { target, peer, products }: { target: Target; peer: string; products: number },
  { log }: BenchmarkContext,
): Promise<Figure[]> => {
  await bindCatchAllQueue(system)
  const backends = await openBackends(system.database('order-service'))
  const processes: Processes = {
    gateway: () => [system.pid('gateway')],
    'order-service': () => [system.pid('order-service')],
    'its PostgreSQL': backends.pids,
    'notification-service': () => [system.pid('notification-service')],
  }
  const third = Math.floor((products * onSale) / 3)
  const variables = await placeSampleOrder(target, third)
  const ours = new pg.Client({ connectionString: adminUrl(system.database('order-service')) })
  const theirs = new pg.Client({ connectionString: adminUrl(peer) })
  await Promise.all([ours.connect(), theirs.connect()])
  const results = { plain: [] as Placed[], keyed: [] as LoadResult[], settled: [] as number[], pgbench: [] as number[] }
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const duration = round === 0 ? 3 : seconds
      const plain = await cpuByProcess(processes, () => placeOrders(target, third, false, duration))
      const settled = await waitUntilConsumed(system, ours)
      const keyed = await placeOrders(target, third, true, duration)
      await waitUntilConsumed(system, ours)
      const perSecond = await runPgbench({ url: peer, script, variables, clients, seconds: duration })
      await theirs.query('truncate orders.outbox')
      log(
        `round ${round}: ${plain.perSecond.toFixed(0)}/s, with idempotency keys ${keyed.perSecond.toFixed(0)}/s, pgbench ${perSecond.toFixed(0)}/s; outbox empty ${settled.toFixed(1)} s later`,
      )
      // The first round is a warm-up.
      if (round === 0) continue
      results.plain.push(plain)
      results.keyed.push(keyed)
      results.settled.push(settled)
      results.pgbench.push(perSecond)
    }
  } finally {
    await Promise.all([ours.end(), theirs.end(), backends.end()])
  }
  const of = (outcomes: LoadResult[], field: 'perSecond' | 'p50' | 'p99') =>
    medianOf(outcomes.map((result) => result[field]))
  const pgbench = medianOf(results.pgbench)
  const shareOf = (outcomes: LoadResult[]) => of(outcomes, 'perSecond') / pgbench
  const what = `orders of three lines, ${clients} clients`
  return [
    {
      what: `${what}: throughput relative to pgbench`,
      value: shareOf(results.plain),
      unit: '×',
      target: { atLeast: 0.3 },
    },
    {
      what: `${what}, with an Idempotency-Key: throughput relative to pgbench`,
      value: shareOf(results.keyed),
      unit: '×',
    },
    { what: `${what}: throughput`, value: of(results.plain, 'perSecond'), unit: '/s' },
    { what: `${what}, with an Idempotency-Key: throughput`, value: of(results.keyed, 'perSecond'), unit: '/s' },
    { what: `${what}: throughput of pgbench`, value: pgbench, unit: '/s' },
    { what: `${what}: p50`, value: of(results.plain, 'p50'), unit: 'ms' },
    { what: `${what}: p99`, value: of(results.plain, 'p99'), unit: 'ms' },
    ...Object.keys(processes).map((name): Figure => {
      const cpu = results.plain.map(({ byProcess }) => byProcess.get(name) ?? Number.NaN)
      return { what: `${what}: CPU of ${name} per order`, value: medianOf(cpu), unit: 'µs' }
    }),
    { what: 'time from the last order until all events are published', value: Math.max(...results.settled), unit: 's' },
  ]
}
