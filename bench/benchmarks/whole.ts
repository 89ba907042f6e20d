import { type ServiceName, schemaOf, services } from '@clientele/e2e/services'
import { startSystem } from '@clientele/e2e/system'
import { testBroker } from '@clientele/platform/testing/broker'
import { eventually } from '@clientele/platform/testing/wait'
import { startBareServer } from '../bare-server.ts'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { unlimitedGateway, unlimitedWork } from '../limits.ts'
import { createListOperations } from '../operation.ts'
import { asSuperuser, serverPids } from '../postgres-backends.ts'
import { type Measurement, measureRequests, medianOf, type Step, type Target } from '../requests.ts'
import { newPeople } from '../session.ts'
import { createStep, getStep, updateStep } from './customers-operations.ts'
import { seedCustomers } from './customers-seed.ts'

const sizes = [10_000, 1_000_000]
const people = 64
const concurrency = 32
const rounds = 3
const root = '/v1/customers'
const settings = {
  gateway: { ...unlimitedGateway, LOG_LEVEL: 'info' },
  'customer-service': { ...unlimitedWork, LOG_LEVEL: 'info' },
}
const { idsOf } = createListOperations(root)

type Operation = {
  name: string
  /** Limits of the CPU time of everything, and of PostgreSQL alone, relative to the bare server. */
  atMost: number
  atMostInPostgres?: number
  isWrite?: boolean
  next(ids: readonly string[]): (index: number) => Step
}

const fragments = ['indber', 'owalsk', 'mwawel', 'assan', 'brauma']

const operations: Operation[] = [
  { name: 'get', atMost: 1.6, next: (ids) => (index) => getStep(ids, index) },
  { name: 'page of 25', atMost: 2, atMostInPostgres: 1.3, next: () => () => ({ path: `${root}?limit=25` }) },
  {
    name: 'page of 25 by offset',
    atMost: 1.2,
    next: () => (index) => ({ path: `${root}?limit=25&offset=${(index % 40) * 25}` }),
  },
  {
    name: 'search of a fragment',
    atMost: 1.5,
    atMostInPostgres: 1.3,
    next: () => (index) => ({ path: `${root}?limit=25&q=${fragments[index % fragments.length]}` }),
  },
  { name: 'create', atMost: 3, isWrite: true, next: () => createStep },
  { name: 'PATCH', atMost: 2.6, isWrite: true, next: (ids) => (index) => updateStep(ids, index) },
]

/** The services that handle each event of a customer. */
const consumers: [ServiceName, queue: string][] = [
  ['order-service', 'order-service.customers'],
  ['notification-service', 'notification-service.customers'],
  ['activity-service', 'activity-service.events'],
]

/** Counts the events that a consumer has handled. */
const handledBy = (url: string, service: ServiceName, queue: string): Promise<number> =>
  asSuperuser(url, async (client) => {
    const sql = `select count(*)::int as handled from ${schemaOf[service]}.inbox where consumer = $1`
    return (await client.query<{ handled: number }>(sql, [queue])).rows[0]?.handled ?? 0
  })

const sumOf = ({ cpuByProcess }: Measurement, pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + (cpuByProcess.get(pid) ?? 0), 0)

type Side = { target: Target; ids: readonly string[] }

const measureInTurns = async (
  sides: readonly Side[],
  { next }: Operation,
  tokens: () => Promise<string[]>,
): Promise<Measurement[][]> => {
  const results: Measurement[][] = sides.map(() => [])
  for (let round = 0; round <= rounds; round += 1)
    for (const [index, { target, ids }] of sides.entries()) {
      const measured = await measureRequests(target, next(ids), {
        // The first round warms up the JIT compiler and is not counted.
        ms: round === 0 ? 4_000 : 2_500,
        concurrency,
        from: (round + 1) * 100_000,
        tokens: await tokens(),
      })
      if (round > 0) results[index]?.push(measured)
    }
  return results
}

const measureSize = async (
  rows: number,
  tokens: () => Promise<string[]>,
  bench: BenchmarkContext,
): Promise<Figure[]> => {
  const closing: (() => Promise<unknown>)[] = []
  try {
    const system = await startSystem(settings, { logFile: '/dev/null' })
    closing.push(system.close)
    await seedCustomers(system.database('customer-service'), rows)
    const broker = await testBroker()
    closing.push(broker.close)
    const bare = await startBareServer({ rows })
    closing.push(bare.close)
    const publishing = await startBareServer({ rows, broker: broker.url })
    closing.push(publishing.close)

    const target = (url: string, pids: () => number[]): Target => ({
      url,
      token: async () => (await tokens())[0] ?? '',
      pids: async () => [...pids(), ...(await serverPids())],
    })
    const handled = () => Promise.all(consumers.map(([name, queue]) => handledBy(system.database(name), name, queue)))
    let handledBefore = await handled()
    const waitUntilHandled = (requests: number) =>
      eventually(
        async () => {
          const now = await handled()
          if (now.some((count, index) => count < (handledBefore[index] ?? 0) + requests))
            throw new Error('events are not handled yet')
          handledBefore = now
        },
        { timeoutMs: 60_000, everyMs: 100 },
      )
    const withIds = async (each: Target): Promise<Side> => ({ target: each, ids: await idsOf(each) })
    const reading = await withIds(target(system.gateway, () => services.map((name) => system.pid(name))))
    const writing: Side = { ...reading, target: { ...reading.target, settle: waitUntilHandled } }
    const bareSide = await withIds(target(bare.url, () => [bare.pid]))
    const publishingSide = await withIds(target(publishing.url, () => [publishing.pid]))

    const figures: Figure[] = []
    const size = rows === sizes[0] ? '' : `, ${rows.toLocaleString('en')} rows`
    for (const operation of operations) {
      const { name, atMost, atMostInPostgres, isWrite = false } = operation
      const sides = isWrite ? [writing, bareSide, publishingSide] : [reading, bareSide]
      const measured = await measureInTurns(sides, operation, tokens)
      const cpu = measured.map((all) => medianOf(all.map((one) => one.cpu)))
      const postgres = await serverPids()
      const inPostgres = measured.map((all) => medianOf(all.map((one) => sumOf(one, postgres))))
      const parts = services.map(
        (service) =>
          `${service} ${medianOf((measured[0] ?? []).map((one) => sumOf(one, [system.pid(service)]))).toFixed(0)}`,
      )
      bench.log(
        `${rows} ${name}: ${cpu.map((each) => each.toFixed(0)).join(', ')} µs (${parts.join(', ')}, PostgreSQL ${inPostgres[0]?.toFixed(0)})`,
      )
      const ratio = (all: number[], to: number) => (all[0] ?? Number.NaN) / (all[to] ?? Number.NaN)
      figures.push({
        what: `${name}${size}: CPU of everything, relative to the bare server`,
        value: ratio(cpu, 1),
        unit: '×',
        target: { atMost },
      })
      if (isWrite)
        figures.push({
          what: `${name}${size}: CPU of everything, relative to the bare server that publishes events`,
          value: ratio(cpu, 2),
          unit: '×',
        })
      figures.push(
        {
          what: `${name}${size}: CPU of PostgreSQL, relative to the bare server`,
          value: ratio(inPostgres, 1),
          unit: '×',
          ...(atMostInPostgres !== undefined && { target: { atMost: atMostInPostgres } }),
        },
        { what: `${name}${size}: CPU of everything`, value: cpu[0] ?? Number.NaN, unit: 'µs' },
      )
    }
    return figures
  } finally {
    for (const close of closing.toReversed()) await close().catch(() => {})
  }
}

export const whole: Benchmark = {
  name: 'whole',
  about: `All services and all consumers run, and their CPU time and that of PostgreSQL is counted until each event has been handled by order-service, notification-service and activity-service. ${concurrency} connections send requests with the tokens of ${people} people in turns. Beside it, in turns, a bare server (\`node:http\`, jose and pg) on the same rows, without gateway, log, limits and events, and for writes the same server with its events published to a quorum queue that nobody reads. The CPU time of RabbitMQ is not counted.`,
  run: async (bench) => {
    const tokens = await newPeople(people)
    // `BENCH_ROWS=10000` measures one size.
    const chosen = process.env['BENCH_ROWS'] ? [Number(process.env['BENCH_ROWS'])] : sizes
    const figures: Figure[] = []
    for (const rows of chosen) figures.push(...(await measureSize(rows, tokens, bench)))
    return figures
  },
}
