import { services } from '@clientele/e2e/services'
import { startSystem } from '@clientele/e2e/system'
import { testBroker } from '@clientele/platform/testing/broker'
import { testDatabase, testEnv } from '@clientele/platform/testing/database'
import { testRealm } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { freePorts } from '@clientele/stack/profile/ports'
import pg from 'pg'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { unlimitedGateway, unlimitedWork } from '../limits.ts'
import { createListOperations } from '../operation.ts'
import { startPeerProcess } from '../peer-process.ts'
import { adminUrl, serverPids } from '../postgres-backends.ts'
import { type Measurement, measureRequests, medianOf, type Step, type Target } from '../requests.ts'
import { newPeople } from '../session.ts'
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

const run = Date.now().toString(36)
const fragments = ['indber', 'owalsk', 'mwawel', 'assan', 'brauma']

const operations: Operation[] = [
  { name: 'get', atMost: 1.6, next: (ids) => (index) => ({ path: `${root}/${ids[index % ids.length]}` }) },
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
  {
    name: 'create',
    atMost: 3,
    isWrite: true,
    next: () => (index) => ({
      method: 'POST',
      path: root,
      body: {
        name: 'Ana',
        surname: `Lovelace ${index}`,
        email: `ana.${run}.${index}@example.com`,
        phone: `+2547${String(index % 100_000_000).padStart(8, '0')}`,
        tags: ['wholesale'],
        metadata: { source: 'shop', points: index },
      },
    }),
  },
  {
    name: 'PATCH',
    atMost: 2.6,
    isWrite: true,
    next: (ids) => (index) => ({
      method: 'PATCH',
      path: `${root}/${ids[index % ids.length]}`,
      body: { name: `Ana ${index}`, metadata: { points: index } },
    }),
  },
]

/** The services that handle each event of a customer, with their queues. */
const consumers = [
  ['order-service', 'order-service.customers'],
  ['notification-service', 'notification-service.customers'],
] as const

const withClient = async <T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: adminUrl(url), query_timeout: 60_000 })
  await client.connect()
  return use(client).finally(() => client.end())
}

/** Counts the events that a consumer has handled. */
const handledBy = (url: string, schema: string, queue: string): Promise<number> =>
  withClient(url, async (client) => {
    const sql = `select count(*)::int as handled from ${schema}.inbox where consumer = $1`
    return (await client.query<{ handled: number }>(sql, [queue])).rows[0]?.handled ?? 0
  })

const startBareServer = async (rows: number, broker: string | undefined) => {
  const migrations = new URL('../../customer-service/migrations/', import.meta.url)
  const database = await testDatabase({ schema: 'customers', migrations })
  await seedCustomers(database.url, rows)
  const issuer = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${testRealm}`
  const [port = 0] = await freePorts(1)
  const process = await startPeerProcess('bare-customers', {
    ...{ database: database.url, issuer, audience: 'clientele-api', port },
    ...(broker !== undefined && { broker }),
  })
  const close = async () => {
    await process.stop()
    await database.drop()
  }
  return { url: `http://127.0.0.1:${port}`, pid: process.pid, database: database.url, close }
}

const sumOf = ({ cpuByProcess }: Measurement, pids: readonly number[]): number =>
  pids.reduce((sum, pid) => sum + (cpuByProcess.get(pid) ?? 0), 0)

type Side = { name: string; target: Target; tokens: () => Promise<string[]>; ids: readonly string[] }

const measureInTurns = async (sides: readonly Side[], { next }: Operation): Promise<Measurement[][]> => {
  const results: Measurement[][] = sides.map(() => [])
  for (let round = 0; round <= rounds; round += 1)
    for (const [index, { target, tokens, ids }] of sides.entries()) {
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
    const bare = await startBareServer(rows, undefined)
    closing.push(bare.close)
    const publishing = await startBareServer(rows, broker.url)
    closing.push(publishing.close)

    const servicePids = () => services.map((name) => system.pid(name))
    const handled = () =>
      Promise.all(
        consumers.map(([name, queue]) =>
          handledBy(system.database(name), name === 'order-service' ? 'orders' : 'notifications', queue),
        ),
      )
    const target = (url: string, pids: () => number[]): Target => ({
      url,
      token: async () => (await tokens())[0] ?? '',
      pids: async () => [...pids(), ...(await serverPids())],
    })
    let before = await handled()
    const settle = async (requests: number) => {
      await eventually(
        async () => {
          const after = await handled()
          const missing = after.filter((count, index) => count < (before[index] ?? 0) + requests)
          if (missing.length > 0) throw new Error('events are not handled yet')
          before = after
        },
        { timeoutMs: 60_000, everyMs: 100 },
      )
    }
    const whole = target(system.gateway, servicePids)
    const sides: Side[] = []
    for (const [name, each] of [
      ['clientele', whole],
      ['bare', target(bare.url, () => [bare.pid])],
      ['publishing', target(publishing.url, () => [publishing.pid])],
    ] as const)
      sides.push({ name, target: each, tokens, ids: await idsOf(each) })

    const figures: Figure[] = []
    const size = rows === sizes[0] ? '' : `, ${rows.toLocaleString('en')} rows`
    for (const operation of operations) {
      const { name, atMost, atMostInPostgres, isWrite = false } = operation
      const compared = isWrite ? sides : sides.slice(0, 2)
      const [first, ...others] = compared
      if (first && isWrite) first.target = { ...whole, settle }
      const measured = await measureInTurns(compared, operation)
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
      if (others.length > 1)
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
  about: `All services and all consumers run, and their CPU time and that of PostgreSQL is counted until each event has been handled by order-service and notification-service. ${concurrency} connections send requests with the tokens of ${people} people in turns. Beside it, in turns, a bare server (\`node:http\`, jose and pg) on the same rows, without gateway, log, limits and events, and for writes the same server with its events published to a quorum queue that nobody reads. The CPU time of RabbitMQ is not counted.`,
  run: async (bench) => {
    const tokens = await newPeople(people)
    const chosen = process.env['BENCH_ROWS'] ? [Number(process.env['BENCH_ROWS'])] : sizes
    const figures: Figure[] = []
    for (const rows of chosen) figures.push(...(await measureSize(rows, tokens, bench)))
    return figures
  },
}
