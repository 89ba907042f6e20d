import { randomUUID } from 'node:crypto'
import { type Order, orderPlaced } from '@clientele/contracts/order'
import { type Product, productStockChanged, type StockMovement } from '@clientele/contracts/product'
import { createRandom } from '@clientele/e2e/faults/random'
import type { System } from '@clientele/e2e/system'
import { exchange } from '@clientele/platform/events/broker'
import { eventually } from '@clientele/platform/testing/wait'
import { connect } from 'amqplib'
import pg from 'pg'
import { asAdmin, backendsOf } from '../backends.ts'
import { medianOf, send, type Target } from '../drive.ts'
import { load, type Outcome } from '../load.ts'
import type { Bench, Figure } from '../part.ts'
import { runPgbench } from '../peers/pgbench.ts'
import { cpuOf } from '../process.ts'
import { script } from './orders-script.ts'
import { onSale, productId } from './orders-seed.ts'

const clients = 32
const rounds = 4
const seconds = 8
const path = '/v1/orders'

type Processes = Record<string, () => number[] | Promise<number[]>>
type Placed = Awaited<ReturnType<typeof cpuByProcess>>
const random = createRandom(20_261_120)

/** Of three products, each of another third of those on sale, so that they are three indeed; pgbench draws them the same way. */
const cart = (third: number) => ({
  lines: [0, 1, 2].map((part) => ({ productId: productId(part * third + 1 + random.below(third)), quantity: 1 })),
})

const read = async <T>({ url, token }: Target, from: string): Promise<T> =>
  JSON.parse(await send(url, await token(), { path: from })) as T

/** What pgbench is to write: the events of an order as the service tells of them. */
const sample = async (target: Target, third: number) => {
  const step = { method: 'POST', path, body: cart(third) }
  const order = JSON.parse(await send(target.url, await target.token(), step)) as Order
  const ofProduct = `/v1/products/${order.lines[0]?.productId}`
  const { id, sku, name, stock, lowStockAt, version } = await read<Product>(target, ofProduct)
  const { data } = await read<{ data: StockMovement[] }>(target, `${ofProduct}/stock-movements?limit=1`)
  const [movement] = data
  if (!movement) throw new Error('an order moved no stock')
  const told = { id, sku, name, stock, lowStockAt, movement, version }
  const dataOf = (event: { data: unknown }) => JSON.stringify(event.data)
  return {
    third,
    actor: order.createdBy.id,
    actorname: order.createdBy.displayName,
    reason: movement.reason,
    placed: dataOf(orderPlaced.of(order, order.createdBy)),
    changed: dataOf(productStockChanged.of(told, order.createdBy)),
  }
}

const placeOrders = async (target: Target, third: number, withKey: boolean, duration: number): Promise<Outcome> =>
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
          body: JSON.stringify(cart(third)),
          headers: { ...request.headers, ...(withKey && { 'idempotency-key': randomUUID() }) },
        }),
      },
    ],
  })

/** µs that each process, or PostgreSQL's of one database, spends on an order while `work` places some. */
const cpuByProcess = async (processes: Processes, work: () => Promise<Outcome>) => {
  const used = async () =>
    Promise.all(
      Object.entries(processes).map(
        async ([name, pids]) => [name, new Map((await pids()).map((pid) => [pid, cpuOf(pid)]))] as const,
      ),
    )
  const before = new Map(await used())
  const outcome = await work()
  const cpu = (await used()).map(([name, now]) => {
    const spent = [...now].map(([pid, all]) => all - (before.get(name)?.get(pid) ?? 0))
    return [name, spent.reduce((sum, each) => sum + each, 0) / outcome.requests] as const
  })
  return { ...outcome, byProcess: new Map(cpu) }
}

const spare = 'bench.all-events'

/**
 * A queue for all events, of which the newest are kept. What no queue takes would wait in the outbox, as `product.stock_changed`
 * of every order where no service listens to it.
 */
const takeAllEvents = async ({ broker }: System) => {
  const model = await connect(broker.url)
  const channel = await model.createChannel()
  const limits = { 'x-queue-type': 'quorum', 'x-max-length': 1_000 }
  await channel.assertQueue(spare, { durable: true, arguments: limits })
  await channel.bindQueue(spare, exchange, '#')
  await model.close()
}

/** Waits until all events were published and consumed. @returns seconds until the outbox was empty */
const settle = async (system: System, database: pg.Client): Promise<number> => {
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
      if (name !== spare && (await system.broker.count(name)) > 0) throw new Error(`${name} is not empty`)
  }
  await eventually(isConsumed, { timeoutMs: 120_000, everyMs: 100 })
  return published
}

/** The whole path beside pgbench on `peer`, a database of the same rows that no service works on, in turns. */
export const comparePlacing = async (
  system: System,
  { target, peer, products }: { target: Target; peer: string; products: number },
  { say }: Bench,
): Promise<Figure[]> => {
  await takeAllEvents(system)
  const backends = await backendsOf(system.database('order-service'))
  const processes: Processes = {
    gateway: () => [system.pid('gateway')],
    'order-service': () => [system.pid('order-service')],
    'its PostgreSQL': backends.pids,
    'notification-service': () => [system.pid('notification-service')],
  }
  const third = Math.floor((products * onSale) / 3)
  const variables = await sample(target, third)
  const ours = new pg.Client({ connectionString: asAdmin(system.database('order-service')) })
  const theirs = new pg.Client({ connectionString: asAdmin(peer) })
  await Promise.all([ours.connect(), theirs.connect()])
  const results = { plain: [] as Placed[], keyed: [] as Outcome[], settled: [] as number[], pgbench: [] as number[] }
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const duration = round === 0 ? 3 : seconds
      const plain = await cpuByProcess(processes, () => placeOrders(target, third, false, duration))
      const settled = await settle(system, ours)
      const keyed = await placeOrders(target, third, true, duration)
      await settle(system, ours)
      const perSecond = await runPgbench({ url: peer, script, variables, clients, seconds: duration })
      await theirs.query('truncate orders.outbox')
      say(
        `round ${round}: ${plain.perSecond.toFixed(0)}/s, with keys ${keyed.perSecond.toFixed(0)}/s, pgbench ${perSecond.toFixed(0)}/s; published ${settled.toFixed(1)} s later`,
      )
      // The first is for getting used to it.
      if (round === 0) continue
      results.plain.push(plain)
      results.keyed.push(keyed)
      results.settled.push(settled)
      results.pgbench.push(perSecond)
    }
  } finally {
    await Promise.all([ours.end(), theirs.end(), backends.end()])
  }
  const of = (outcomes: Outcome[], field: 'perSecond' | 'p50' | 'p99') =>
    medianOf(outcomes.map((outcome) => outcome[field]))
  const pgbench = medianOf(results.pgbench)
  const shareOf = (outcomes: Outcome[]) => of(outcomes, 'perSecond') / pgbench
  const what = `orders of three lines, ${clients} clients`
  return [
    {
      what: `${what}: our share of pgbench's throughput`,
      value: shareOf(results.plain),
      unit: '×',
      target: { atLeast: 0.3 },
    },
    { what: `${what}, each with an Idempotency-Key: our share`, value: shareOf(results.keyed), unit: '×' },
    { what: `${what}: ours`, value: of(results.plain, 'perSecond'), unit: '/s' },
    { what: `${what}: ours with an Idempotency-Key`, value: of(results.keyed, 'perSecond'), unit: '/s' },
    { what: `${what}: pgbench`, value: pgbench, unit: '/s' },
    { what: `${what}: p50`, value: of(results.plain, 'p50'), unit: 'ms' },
    { what: `${what}: p99`, value: of(results.plain, 'p99'), unit: 'ms' },
    ...Object.keys(processes).map((name): Figure => {
      const cpu = results.plain.map(({ byProcess }) => byProcess.get(name) ?? Number.NaN)
      return { what: `${what}: CPU of ${name} for each`, value: medianOf(cpu), unit: 'µs' }
    }),
    { what: 'all events published after the last order', value: Math.max(...results.settled), unit: 's' },
  ]
}
