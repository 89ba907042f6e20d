import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@clientele/platform/testing/wait'
import { databaseServices } from '../services.ts'
import { checkReaders, checkReceivers, checkRecordedEvents } from './checks/activity.ts'
import { checkInboxes, checkProjections } from './checks/consumers.ts'
import { checkCustomers } from './checks/customers.ts'
import { checkCustomerEvents, checkMediaAndUserEvents } from './checks/events.ts'
import { checkCleanup, checkMediaContent } from './checks/media.ts'
import { checkOrderEffects, checkOrders } from './checks/orders.ts'
import { openQueries, type Query } from './checks/query.ts'
import { checkUsers } from './checks/users.ts'
import { type Event, openEventLog, queueBindings, readEventLog, waitForConsumers } from './event-log.ts'
import { type EventReader, feedReader, streamReader } from './event-readers.ts'
import { type FaultSystem, startFaultSystem } from './fault-system.ts'
import { memoryCurves, memoryGrowth } from './memory.ts'
import { formatReport, writeFiles } from './report.ts'
import { minMinutesForMemory, type Outcome, runFaults } from './run-faults.ts'
import { createTokens } from './tokens.ts'
import { type Receiver, startReceiver } from './webhook-receivers.ts'

/*
 * The fault suite. It starts two replicas of the gateway and of every service behind load balancers, and its own PostgreSQL,
 * RabbitMQ and Keycloak.
 *
 * 1. `beforeAll` runs simulated clients (`*-writer.ts`) that create, change and delete records through the gateway. Meanwhile it
 *    injects faults one after the other (faults.ts), in a random order that the seed repeats. Processes get SIGKILL or SIGTERM;
 *    connections to PostgreSQL and RabbitMQ are slowed down, stalled, reset or blackholed; a table is locked; RabbitMQ raises a
 *    memory alarm.
 * 2. It records every acknowledged write (ledger.ts), every published event (event-log.ts), every failed request with the faults
 *    of that time (traffic.ts, fault-windows.ts), and the memory of each process (memory.ts).
 * 3. All faults end, and all queues become empty. Then the tests below compare databases, Keycloak, stored images and events with
 *    the acknowledged writes: nothing may be lost, duplicated or out of order. A request may only have failed if the fault of that
 *    moment allows it on that route.
 */

const minutes = Number(process.env['TEST_FAULT_MINUTES'] ?? 3)
const seed = Number(process.env['TEST_FAULT_SEED'] ?? Date.now() % 1_000_000)
const folder = mkdtempSync(join(tmpdir(), `clientele-faults-${seed}-`))
const runInfo = { seed, minutes, folder }
// Not console.log: jest adds a stack trace to each of its lines.
const log = (text: string): void => void process.stdout.write(`${text}\n`)

let system: FaultSystem
let outcome: Outcome
let query: Query
let endQueries: () => Promise<void>
let events: Event[] = []
let nonEmptyQueues: string[] = []
let bindings: Map<string, string[]>
let readers: EventReader[] = []
let receivers: Receiver[] = []

const checkOutboxesEmpty = async (): Promise<void> => {
  for (const service of databaseServices) {
    const [row] = await query<{ n: number }>(service, 'select count(*)::int as n from outbox', [])
    if (row?.n !== 0) throw new Error(`the outbox of ${service} still has ${row?.n} events`)
  }
}

beforeAll(
  async () => {
    log(`fault suite: seed ${seed}, ${minutes} minutes, logs in ${folder}`)
    system = await startFaultSystem(folder)
    await openEventLog(system.broker)
    const tokens = await createTokens()
    const gateways = system.replicas.filter(({ service }) => service === 'gateway')
    readers = [
      feedReader(system.gateway, tokens.admin),
      ...gateways.map(({ name, port }) => streamReader(`stream of ${name}`, `http://127.0.0.1:${port}`, tokens.admin)),
    ]
    const webhook = { gateway: system.gateway, token: tokens.admin }
    receivers = [
      await startReceiver({ ...webhook, name: 'receiver' }),
      await startReceiver({ ...webhook, name: 'ordered receiver', ordered: true }),
      await startReceiver({ ...webhook, name: 'receiver that refuses some', refusesSome: true }),
    ]
    outcome = await runFaults(system, { seed, minutes, log, tokens })
    ;({ query, end: endQueries } = await openQueries(system))
    await eventually(checkOutboxesEmpty, { timeoutMs: 60_000 })
    nonEmptyQueues = await waitForConsumers(system.broker, 120_000)
    bindings = await queueBindings(system.broker)
    events = await readEventLog(system.broker)
    const [recorded] = await query<{ n: number }>('activity-service', 'select count(*)::int as n from events', [])
    const count = recorded?.n ?? 0
    await Promise.all(readers.map((reader) => reader.finish(count)))
    await Promise.all(receivers.map((receiver) => receiver.finish(count - receiver.position)))
  },
  (minutes * 60 + 900) * 1000,
)

afterAll(async () => {
  await Promise.all([...readers, ...receivers].map((each) => each.finish(0)))
  const report = outcome ? formatReport(outcome, events.length, runInfo) : 'the run did not finish'
  if (system) writeFiles(system, outcome, report, runInfo)
  log(
    `\n${report}\n\nlogs, report and memory samples: ${folder}\nrepeat with: npm run test:faults -- --minutes ${minutes} --seed ${seed}`,
  )
  await endQueries?.()
  await system?.close()
}, 120_000)

describe('The product under faults', () => {
  it('requests fail only during a fault that may fail them, with a 502, 503 or 504 problem and Retry-After, and none hangs', () => {
    expect(outcome.traffic.violations()).toEqual([])
  })

  it('the product acknowledges more than one write per second on average', () => {
    expect(outcome.ledger.size()).toBeGreaterThan(minutes * 60)
    expect(outcome.ledger.customers.filter(({ certain }) => !certain)).toEqual([])
  })

  it('no acknowledged change of a customer is lost', async () => {
    expect(await checkCustomers(query, outcome.ledger)).toEqual([])
  })

  it('every change of a customer has exactly one event, and events are in order', () => {
    expect(checkCustomerEvents(events, outcome.ledger)).toEqual([])
  })

  it('every upload and every new user has exactly one event, and events are in order', () => {
    expect(checkMediaAndUserEvents(events, outcome.ledger)).toEqual([])
  })

  it('every consumer handles each of its events exactly once', async () => {
    expect(nonEmptyQueues).toEqual([])
    expect(bindings.size).toBeGreaterThanOrEqual(5)
    expect(await checkInboxes(events, bindings, query)).toEqual([])
    expect(await checkProjections(query, outcome.ledger)).toEqual([])
  })

  it('activity-service records every event once, as it was published, and the events of each record in their order', async () => {
    expect(await checkRecordedEvents(events, query)).toEqual([])
  })

  it('the feed and the streams of both gateways tell every event exactly once, in the same order', async () => {
    expect(readers).toHaveLength(3)
    expect(await checkReaders(readers, query)).toEqual([])
  })

  it('every receiver of webhooks gets every event, and an ordered one those of each record in order', async () => {
    expect(receivers).toHaveLength(3)
    expect(await checkReceivers(receivers, query)).toEqual([])
  })

  it('no acknowledged order is lost, stock equals deliveries minus sales, and each order sends one notification', async () => {
    expect(outcome.ledger.orders.length).toBeGreaterThan(minutes * 20)
    expect(await checkOrders(query, outcome.ledger)).toEqual([])
    await eventually(async () => expect(await checkOrderEffects(events, query)).toEqual([]), {
      timeoutMs: 90_000,
      everyMs: 3_000,
    })
  }, 120_000)

  it('user-service, Keycloak and the acknowledged changes agree on every user', async () => {
    await eventually(async () => expect(await checkUsers(query, outcome.ledger)).toEqual([]), {
      timeoutMs: 45_000,
      everyMs: 3_000,
    })
  }, 120_000)

  it('every acknowledged upload can be downloaded, and after the cleanup every stored object has a row', async () => {
    expect(await checkMediaContent(system, query, outcome.ledger, outcome.tokens.user)).toEqual([])
    expect(await checkCleanup(system, query)).toEqual([])
  }, 120_000)

  it('the memory of no process grows, in runs of ten minutes and more', () => {
    expect(outcome.samples.length).toBeGreaterThan(minutes * 30)
    if (minutes < minMinutesForMemory) return
    const curves = memoryCurves(outcome.samples, outcome.measuredFrom)
    const growth = memoryGrowth(outcome.afterGc)
    expect(curves).toHaveLength(system.replicas.length)
    expect(growth).toHaveLength(system.replicas.length)
    expect(growth.filter(({ from, perMinute }) => perMinute * 10 >= Math.max(10, from * 0.1))).toEqual([])
    const high = curves.filter(({ name, max }) => max > (name.startsWith('gateway') ? 300 : 200))
    expect(high).toEqual([])
  })
})
