import { databaseServices } from '@clientele/e2e/services'
import { startSystem } from '@clientele/e2e/system'
import { testBroker } from '@clientele/platform/testing/broker'
import { startBareServer } from '../bare-server.ts'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { compareSizes } from '../compare-sizes.ts'
import { unlimitedGateway, unlimitedWork } from '../limits.ts'
import { openBackends } from '../postgres-backends.ts'
import { measureRequests, medianOf, type Target } from '../requests.ts'
import { newSession } from '../session.ts'
import { comparable, operations } from './customers-operations.ts'
import { seedCustomers } from './customers-seed.ts'

const fewRows = 10_000
const manyRows = 1_000_000
const env = { LOG_LEVEL: 'info' }
const keptServices = ['user-service', 'customer-service']
/** Starts the system without the services that receive the events, which would use the same cores. Their queues stay. */
const start = async () => {
  const system = await startSystem(
    { gateway: { ...unlimitedGateway, ...env }, 'customer-service': { ...unlimitedWork, ...env } },
    { logFile: '/dev/null' },
  )
  for (const name of databaseServices.filter((service) => !keptServices.includes(service))) await system.terminate(name)
  return system
}

/** Compares the CPU time of gateway and service with that of the bare server, in turns. */
const compareWithBareServer = async (whole: Target, bare: Target, bench: BenchmarkContext): Promise<Figure[]> => {
  const figures: Figure[] = []
  for (const { operation, atMost } of comparable) {
    const { name, next } = operation
    const ours: number[] = []
    const theirs: number[] = []
    for (const round of [0, 1, 2, 3])
      for (const [target, results] of [
        [whole, ours],
        [bare, theirs],
      ] as const) {
        const { cpu } = await measureRequests(target, await next(target), {
          // The first round warms up the JIT compiler and is not counted.
          ms: round === 0 ? 5_000 : 1_200,
          concurrency: 8,
          from: (round + 1) * 100_000,
        })
        if (round > 0) results.push(cpu)
      }
    bench.log(`${name.padEnd(34)} CPU ${medianOf(ours).toFixed(0)} µs, bare ${medianOf(theirs).toFixed(0)} µs`)
    figures.push({
      what: `${name}: CPU of gateway and service, relative to the bare server`,
      value: medianOf(ours) / medianOf(theirs),
      unit: '×',
      target: { atMost },
    })
  }
  return figures
}

export const customers: Benchmark = {
  name: 'customers',
  about:
    'customer-service with 10,000 and with 1,000,000 customers: CPU time of the service and its PostgreSQL for each operation. Also the CPU time of gateway and service together, relative to a bare server (`node:http`, jose and pg) that does the same work and publishes the same events. The services that receive the events are stopped; their queues fill.',
  run: async (bench) => {
    // A run takes longer than an access token is valid.
    const token = await newSession()
    const closing: (() => Promise<unknown>)[] = []
    try {
      const small = await start()
      closing.push(small.close)
      const large = await start()
      closing.push(large.close)
      const broker = await testBroker()
      closing.push(broker.close)
      await seedCustomers(small.database('customer-service'), fewRows)
      const from = Date.now()
      await seedCustomers(large.database('customer-service'), manyRows)
      const seeded = (Date.now() - from) / 1000
      bench.log(`${manyRows} customers in ${seeded.toFixed(0)} s`)
      const bare = await startBareServer({ rows: fewRows, broker: broker.url })
      closing.push(bare.close)

      const path = { url: small.gateway, token, pids: () => [small.pid('gateway'), small.pid('customer-service')] }
      const peer = { url: bare.url, token, pids: () => [bare.pid] }
      const against = await compareWithBareServer(path, peer, bench)

      const sides: Target[] = []
      for (const system of [small, large]) {
        const backends = await openBackends(system.database('customer-service'))
        closing.push(backends.end)
        const pids = async () => [system.pid('customer-service'), ...(await backends.pids())]
        sides.push({ url: system.url('customer-service'), token, pids })
      }
      const sizes = await compareSizes(operations, sides, { few: '10,000', many: '1,000,000' }, bench)
      return [...against, ...sizes, { what: 'seeding 1,000,000 customers', value: seeded, unit: 's' }]
    } finally {
      for (const close of closing.toReversed()) await close().catch(() => {})
    }
  },
}
