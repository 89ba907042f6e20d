import { type ServiceName, services } from '@clientele/e2e/services'
import { type System, startSystem } from '@clientele/e2e/system'
import { newId } from '@clientele/platform/data/db'
import { exchange, publishAll } from '@clientele/platform/events/broker'
import { connectTestBroker } from '@clientele/platform/testing/broker'
import { createSignedInUser, signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { unlimitedGateway, unlimitedWork } from '../limits.ts'
import { asSuperuser, serverPids } from '../postgres-backends.ts'
import { cpuOf, memoryOf } from '../process.ts'
import { type Measurement, measureRequests, medianOf, type Step, type Target } from '../requests.ts'
import { newPeople } from '../session.ts'
import { customerIdSql, seedEvents } from './activity-seed.ts'
import { measureStreams } from './activity-streams.ts'
import { createStep, updateStep } from './customers-operations.ts'
import { seedCustomers } from './customers-seed.ts'

const backlog = 100_000
const smallSize = 100_000
const largeSize = Number(process.env['BENCH_EVENTS'] ?? 10_000_000)
const customerCount = 20_000
const service = 'activity-service'
const settings = {
  gateway: unlimitedGateway,
  'customer-service': unlimitedWork,
  [service]: unlimitedWork,
}

const withClient = async <T>(url: string, work: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  return work(client).finally(() => client.end())
}

const headOf = (system: System): Promise<number> =>
  withClient(system.ownerDatabase(service), async (client) => {
    const { rows } = await client.query<{ last: number }>('select max(seq)::int as last from head')
    return rows[0]?.last ?? 0
  })

/** Waits until nothing more is recorded. @returns the number of the last event */
const settled = async (system: System): Promise<number> => {
  let last = -1
  return eventually(
    async () => {
      const now = await headOf(system)
      const isQuiet = now === last
      last = now
      if (!isQuiet) throw new Error('events are still recorded')
      return now
    },
    { timeoutMs: 60_000, everyMs: 1_000 },
  )
}

/** What an event costs that waits with many others. */
const measureBacklog = async (system: System, { log }: BenchmarkContext): Promise<Figure[]> => {
  await system.terminate(service)
  const before = await headOf(system)
  const model = await connectTestBroker(system.broker.url)
  const channel = await model.createConfirmChannel()
  const note = 'x'.repeat(600)
  for (let sent = 0; sent < backlog; sent += 1_000)
    await publishAll(
      channel,
      Array.from({ length: 1_000 }, (_, index) => {
        const id = newId()
        const actor = { id: 'ana', displayName: 'Ana' }
        const data = { id, version: 1, number: `ORD-${sent + index}`, customerId: newId(), note, actor }
        const head = { specversion: '1.0', id: newId(), source: '/order-service', type: 'order.placed.v1', subject: id }
        const event = { ...head, time: new Date().toISOString(), datacontenttype: 'application/json', data }
        return { exchange, routingKey: head.type, messageId: event.id, content: Buffer.from(JSON.stringify(event)) }
      }),
      60_000,
    )
  await model.close()
  log(`${backlog} events wait in the queue`)
  await system.start(service)
  const started = performance.now()
  const [from, cpu] = [await headOf(system), cpuOf(system.pid(service))]
  await eventually(
    async () => {
      if ((await headOf(system)) < before + backlog) throw new Error('events still wait')
    },
    { timeoutMs: 180_000, everyMs: 50 },
  )
  const events = before + backlog - from
  const perSecond = events / ((performance.now() - started) / 1_000)
  const cost = (cpuOf(system.pid(service)) - cpu) / events
  log(`recorded at ${perSecond.toFixed(0)}/s, ${cost.toFixed(0)} µs each`)
  return [
    { what: 'backlog of 100,000, recorded', value: perSecond, unit: '/s', target: { atLeast: 4_000 } },
    { what: 'backlog, CPU of the service for each event', value: cost, unit: 'µs', target: { atMost: 100 } },
  ]
}

const rounds = 3
const targetOf = (system: System, names: readonly ServiceName[], token: () => Promise<string>): Target => ({
  url: system.gateway,
  token,
  pids: async () => [...names.map((name) => system.pid(name)), ...(await serverPids())],
})

/** What writes cost everybody with the service running, relative to without. */
const measureWrites = async (system: System, bench: BenchmarkContext): Promise<Figure[]> => {
  const tokens = await newPeople(16)
  const token = async () => (await tokens())[0] ?? ''
  const ids = await withClient(system.ownerDatabase('customer-service'), async (client) => {
    const { rows } = await client.query<{ id: string }>('select id from customers limit 500')
    return rows.map(({ id }) => id)
  })
  const operations: [string, (index: number) => Step][] = [
    ['create', createStep],
    ['PATCH', (index) => updateStep(ids, index)],
  ]
  const measured = new Map<string, Measurement[]>()
  for (let round = 0; round <= rounds; round += 1)
    for (const isRunning of [true, false]) {
      if (!isRunning) await system.terminate(service)
      const names = isRunning ? services : services.filter((name) => name !== service)
      for (const [name, next] of operations) {
        const options = {
          ms: 4_000,
          concurrency: 16,
          from: (2 * round + Number(isRunning)) * 100_000,
          tokens: await tokens(),
        }
        const target = targetOf(system, names, token)
        const settle = async () => void (isRunning && (await settled(system)))
        const one = await measureRequests({ ...target, settle }, next, options)
        const key = `${name} ${isRunning}`
        if (round > 0) measured.set(key, [...(measured.get(key) ?? []), one])
      }
      if (!isRunning) await system.start(service)
    }
  await settled(system)
  return operations.map(([name]): Figure => {
    const cpu = (isRunning: boolean) => medianOf((measured.get(`${name} ${isRunning}`) ?? []).map((one) => one.cpu))
    bench.log(`${name}: ${cpu(true).toFixed(0)} µs with the service, ${cpu(false).toFixed(0)} without`)
    return {
      what: `${name} of a customer: CPU of everything with the service running, relative to without`,
      value: cpu(true) / cpu(false),
      unit: '×',
      target: { atMost: 1.05 },
    }
  })
}

/** CPU of a page, in µs, with the number of events that there are. */
const measurePages = async (system: System, admin: () => Promise<string>): Promise<Map<string, number>> => {
  const customerIds = await withClient(system.ownerDatabase(service), async (client) => {
    const ids: string[] = []
    for (let n = 0; n < 200; n += 1)
      ids.push((await client.query<{ id: string }>(customerIdSql, [n * 7])).rows[0]?.id ?? '')
    return ids
  })
  const since = new Date(Date.now() - 25 * 86_400_000).toISOString()
  const pages: Record<string, (index: number) => Step> = {
    timeline: (index) => ({ path: `/v1/customers/${customerIds[index % customerIds.length]}/timeline?limit=25` }),
    audit: () => ({ path: '/v1/audit?limit=25' }),
    feed: () => ({ path: `/v1/events?limit=25&since=${since}` }),
  }
  const target = targetOf(system, ['gateway', service], admin)
  const costs = new Map<string, number>()
  for (const [name, next] of Object.entries(pages)) {
    await measureRequests(target, next, { ms: 3_000, concurrency: 4 })
    costs.set(name, (await measureRequests(target, next, { ms: 5_000, concurrency: 4 })).cpu)
  }
  return costs
}

export const activity: Benchmark = {
  name: 'activity',
  about: `activity-service beside all others. How fast it records a backlog; what creating and changing customers costs all processes and PostgreSQL with it and without it, in turns; the time from an event to its line in the timeline and to the clients of streams; and the cost of pages (gateway, service and PostgreSQL) with ${smallSize.toLocaleString('en')} and ${largeSize.toLocaleString('en')} events.`,
  run: async (bench) => {
    const system = await startSystem(settings, { logFile: '/dev/null' })
    try {
      await seedCustomers(system.database('customer-service'), 10_000)
      const person = await createSignedInUser(['user', 'admin'])
      const admin = async () => (await signIn(person.username, person.password)).token
      await settled(system)
      const memory = memoryOf(system.pid(service)).resident
      const figures: Figure[] = [{ what: 'idle memory', value: memory, unit: 'MB', target: { atMost: 110 } }]
      figures.push(...(await measureWrites(system, bench)))
      figures.push(...(await measureStreams(system, bench)))
      figures.push(...(await measureBacklog(system, bench)))
      const owner = system.ownerDatabase(service)
      await asSuperuser(system.database(service), (client) =>
        client.query('truncate activity.events, activity.event_refs'),
      )
      await asSuperuser(system.database(service), (client) => client.query('update activity.head set seq = 0'))
      await seedEvents(owner, smallSize, customerCount)
      const small = await measurePages(system, admin)
      await seedEvents(owner, largeSize, customerCount * (largeSize / smallSize))
      const large = await measurePages(system, admin)
      for (const [name, cost] of small) {
        bench.log(`${name}: ${cost.toFixed(0)} µs, then ${large.get(name)?.toFixed(0)}`)
        figures.push({
          what: `page of the ${name}, ${largeSize.toLocaleString('en')} events: CPU relative to ${smallSize.toLocaleString('en')}`,
          value: (large.get(name) ?? Number.NaN) / cost,
          unit: '×',
          target: { atMost: 1.3 },
        })
      }
      return figures
    } finally {
      await system.close()
    }
  },
}
