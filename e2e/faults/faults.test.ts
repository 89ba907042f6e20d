import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@clientele/platform/testing/wait'
import { storing } from '../services.ts'
import { customerFaults } from './checks/customers.ts'
import { inboxFaults, projectionFaults } from './checks/effects.ts'
import { customerEventFaults, otherEventFaults } from './checks/events.ts'
import { sweepFaults, unreadable } from './checks/media.ts'
import { orderEffectFaults, orderFaults } from './checks/orders.ts'
import { openQueries, type Query } from './checks/query.ts'
import { userFaults } from './checks/users.ts'
import { bindingsOf, consumersDone, type Event, openJournal, readJournal } from './journal.ts'
import { curvesOf, growthOf } from './memory.ts'
import { keepFiles, reportOf } from './report.ts'
import { longMinutes, type Outcome, runFaults } from './run.ts'
import { type FaultSystem, startFaultSystem } from './system.ts'

const minutes = Number(process.env['TEST_FAULT_MINUTES'] ?? 3)
const seed = Number(process.env['TEST_FAULT_SEED'] ?? Date.now() % 1_000_000)
const folder = mkdtempSync(join(tmpdir(), `clientele-faults-${seed}-`))
const facts = { seed, minutes, folder }
// Past jest, whose console marks every line with its place.
const say = (text: string): void => void process.stdout.write(`${text}\n`)

let system: FaultSystem
let outcome: Outcome
let query: Query
let endQueries: () => Promise<void>
let events: Event[] = []
let waiting: string[] = []
let bindings: Map<string, string[]>

const outboxesEmpty = async (): Promise<void> => {
  for (const service of storing) {
    const [row] = await query<{ n: number }>(service, 'select count(*)::int as n from outbox', [])
    if (row?.n !== 0) throw new Error(`the outbox of ${service} still holds ${row?.n} events`)
  }
}

beforeAll(
  async () => {
    say(`faults: seed ${seed}, ${minutes} minutes, logs in ${folder}`)
    system = await startFaultSystem(folder)
    await openJournal(system.broker)
    outcome = await runFaults(system, { seed, minutes, say })
    ;({ query, end: endQueries } = await openQueries(system))
    await eventually(outboxesEmpty, { timeoutMs: 60_000 })
    waiting = await consumersDone(system.broker, 120_000)
    bindings = await bindingsOf(system.broker)
    events = await readJournal(system.broker)
  },
  (minutes * 60 + 900) * 1000,
)

afterAll(async () => {
  const report = outcome ? reportOf(outcome, events.length, facts) : 'the run did not come to its end'
  if (system) keepFiles(system, outcome, report, facts)
  say(
    `\n${report}\n\nlogs, report and memory curve: ${folder}\nagain: npm run test:faults -- --minutes ${minutes} --seed ${seed}`,
  )
  await endQueries?.()
  await system?.close()
}, 120_000)

describe('under faults', () => {
  it('every failed try is a 502, 503 or 504 problem with Retry-After, within a fault that may cost it, and none hangs', () => {
    expect(outcome.traffic.violations()).toEqual([])
  })

  it('writes went on all the time', () => {
    expect(outcome.ledger.size()).toBeGreaterThan(minutes * 60)
    expect(outcome.ledger.customers.filter(({ known }) => !known)).toEqual([])
  })

  it('every acknowledged change of a customer is there', async () => {
    expect(await customerFaults(query, outcome.ledger)).toEqual([])
  })

  it('every change of a customer has exactly its event, in order', () => {
    expect(customerEventFaults(events, outcome.ledger)).toEqual([])
  })

  it('events of media and users are there once and in order', () => {
    expect(otherEventFaults(events, outcome.ledger)).toEqual([])
  })

  it('every consumer has handled each of its events once', async () => {
    expect(waiting).toEqual([])
    expect(bindings.size).toBeGreaterThanOrEqual(5)
    expect(await inboxFaults(events, bindings, query)).toEqual([])
    expect(await projectionFaults(query, outcome.ledger)).toEqual([])
  })

  it('every acknowledged order is there, stock adds up, and each customer was told once', async () => {
    expect(outcome.ledger.orders.length).toBeGreaterThan(minutes * 20)
    expect(await orderFaults(query, outcome.ledger)).toEqual([])
    await eventually(async () => expect(await orderEffectFaults(events, query)).toEqual([]), {
      timeoutMs: 90_000,
      everyMs: 3_000,
    })
  }, 120_000)

  it('the projection of users, Keycloak and what was acknowledged agree', async () => {
    await eventually(async () => expect(await userFaults(query, outcome.ledger)).toEqual([]), {
      timeoutMs: 45_000,
      everyMs: 3_000,
    })
  }, 120_000)

  it('every acknowledged upload can be read, and after the sweep every object has a row', async () => {
    expect(await unreadable(system, query, outcome.ledger, outcome.people.user)).toEqual([])
    expect(await sweepFaults(system, query)).toEqual([])
  }, 120_000)

  it('memory stays flat', () => {
    expect(outcome.samples.length).toBeGreaterThan(minutes * 30)
    if (minutes < longMinutes) return
    const curves = curvesOf(outcome.samples, outcome.calmSince)
    const growth = growthOf(outcome.collected)
    expect(curves).toHaveLength(system.replicas.length)
    expect(growth).toHaveLength(system.replicas.length)
    expect(growth.filter(({ from, perMinute }) => perMinute * 10 >= Math.max(10, from * 0.1))).toEqual([])
    const high = curves.filter(({ name, most }) => most > (name.startsWith('gateway') ? 300 : 200))
    expect(high).toEqual([])
  })
})
