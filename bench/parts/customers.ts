import { storing } from '@clientele/e2e/services'
import { startSystem } from '@clientele/e2e/system'
import { testBroker } from '@clientele/platform/testing/broker'
import { testDatabase, testEnv } from '@clientele/platform/testing/database'
import { testRealm } from '@clientele/platform/testing/service'
import { freePorts } from '@clientele/stack/profile/ports'
import { backendsOf } from '../backends.ts'
import { drive, medianOf, type Target } from '../drive.ts'
import type { Bench, Figure, Part } from '../part.ts'
import { startProgram } from '../program.ts'
import { newSession } from '../session.ts'
import { compareSizes } from '../sizes.ts'
import { comparable, operations } from './customers-operations.ts'
import { seedCustomers } from './customers-seed.ts'

const few = 10_000
const many = 1_000_000
const plenty = '10000000'
const limits = { RATE_LIMIT_USER: plenty, RATE_LIMIT_ADDRESS: plenty }

const env = { LOG_LEVEL: 'info' }
const measured = ['user-service', 'customer-service']
/** Without those who receive the events: their work would be done in between, on the same cores. Their queues stay. */
const start = async () => {
  const system = await startSystem(
    { gateway: { ...limits, ...env }, 'customer-service': env },
    { logFile: '/dev/null' },
  )
  for (const name of storing.filter((service) => !measured.includes(service))) await system.terminate(name)
  return system
}

/** CPU of gateway and service against one bare process, in turns. */
const compareBare = async (whole: Target, bare: Target, bench: Bench): Promise<Figure[]> => {
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
        const { cpu } = await drive(target, await next(target), {
          // The first is for the compiler to be through with both.
          ms: round === 0 ? 5_000 : 1_200,
          lanes: 8,
          from: (round + 1) * 100_000,
        })
        if (round > 0) results.push(cpu)
      }
    bench.say(`${name.padEnd(34)} CPU ${medianOf(ours).toFixed(0)} µs, bare ${medianOf(theirs).toFixed(0)} µs`)
    figures.push({
      what: `${name}: CPU of gateway and service against the bare server`,
      value: medianOf(ours) / medianOf(theirs),
      unit: '×',
      target: { atMost },
    })
  }
  return figures
}

export const customers: Part = {
  name: 'customers',
  about:
    'customer-service at ten thousand and a million customers: CPU of service and PostgreSQL for each operation. Beside it a bare node:http, jose and pg server that does the same work, its events published too, against gateway and service together. The services that receive the events are stopped; their queues fill.',
  run: async (bench) => {
    const issuer = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${testRealm}`
    const migrations = new URL('../../customer-service/migrations/', import.meta.url)
    // A token lives for minutes, a run longer.
    const token = await newSession()
    const closing: (() => Promise<unknown>)[] = []
    try {
      const small = await start()
      closing.push(small.close)
      const large = await start()
      closing.push(large.close)
      const database = await testDatabase({ schema: 'customers', migrations })
      closing.push(database.drop)
      const broker = await testBroker()
      closing.push(broker.close)
      for (const url of [small.database('customer-service'), database.url]) await seedCustomers(url, few)
      const from = Date.now()
      await seedCustomers(large.database('customer-service'), many)
      const seeded = (Date.now() - from) / 1000
      bench.say(`${many} customers in ${seeded.toFixed(0)} s`)
      const [port = 0] = await freePorts(1)
      const bare = await startProgram('bare-customers', {
        database: database.url,
        broker: broker.url,
        issuer,
        audience: 'clientele-api',
        port,
      })
      closing.push(bare.stop)

      const path = { url: small.gateway, token, pids: () => [small.pid('gateway'), small.pid('customer-service')] }
      const peer = { url: `http://127.0.0.1:${port}`, token, pids: () => [bare.pid] }
      const against = await compareBare(path, peer, bench)

      const sides: Target[] = []
      for (const system of [small, large]) {
        const backends = await backendsOf(system.database('customer-service'))
        closing.push(backends.end)
        const pids = async () => [system.pid('customer-service'), ...(await backends.pids())]
        sides.push({ url: system.url('customer-service'), token, pids })
      }
      const sizes = await compareSizes(operations, sides, { few: 'ten thousand', many: 'a million' }, bench)
      return [...against, ...sizes, { what: 'a million customers seeded', value: seeded, unit: 's' }]
    } finally {
      for (const close of closing.toReversed()) await close().catch(() => {})
    }
  },
}
