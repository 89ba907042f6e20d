import type { TestBroker } from '@clientele/platform/testing/broker'
import { eventually } from '@clientele/platform/testing/wait'

export type Event = { id: string; type: string; subject: string; data: Record<string, unknown> & { version: number } }

const exchange = 'clientele.events'
const queue = 'faults.event-log'
const pageSize = 2_000
type Queue = { name: string; messages?: number }

/** Creates a durable queue that receives every event. Call it before the first event is published. */
export const openEventLog = async ({ management }: TestBroker): Promise<void> => {
  await management('PUT', `/exchanges/{vhost}/${exchange}`, { type: 'topic', durable: true })
  await management('PUT', `/queues/{vhost}/${queue}`, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await management('POST', `/bindings/{vhost}/e/${exchange}/q/${queue}`, { routing_key: '#' })
}

/** Waits until all other queues are empty. @returns those that are not after `timeoutMs`, including queues of dead letters */
export const waitForConsumers = async ({ management }: TestBroker, timeoutMs: number): Promise<string[]> => {
  let quietChecks = 0
  let busy: string[] = []
  const check = async (): Promise<void> => {
    const queues = await management<Queue[]>('GET', '/queues/{vhost}')
    busy = queues
      .filter(({ name, messages }) => name !== queue && messages !== 0)
      .map(({ name, messages }) => `${name} ${messages}`)
    quietChecks = busy.length === 0 ? quietChecks + 1 : 0
    // The management API's counts are up to five seconds old.
    if (quietChecks < 7) throw new Error(`not empty for 7 s: ${busy.join(', ')}`)
  }
  await eventually(check, { timeoutMs, everyMs: 1_000 }).catch(() => {})
  return busy
}

/** Reads all published events in order, and removes them from the queue. */
export const readEventLog = async ({ management }: TestBroker): Promise<Event[]> => {
  const events: Event[] = []
  for (;;) {
    const page = await management<{ payload: string }[]>('POST', `/queues/{vhost}/${queue}/get`, {
      count: pageSize,
      ackmode: 'ack_requeue_false',
      encoding: 'auto',
    })
    for (const { payload } of page) events.push(JSON.parse(payload) as Event)
    if (page.length === 0) return events
  }
}

/** The event types that each consumer's queue is bound to. */
export const queueBindings = async ({ management }: TestBroker): Promise<Map<string, string[]>> => {
  const all = await management<{ source: string; destination: string; routing_key: string }[]>(
    'GET',
    '/bindings/{vhost}',
  )
  const durable = all.filter(
    ({ source, destination }) => source === exchange && /^[a-z]+-service\.[a-z-]+$/.test(destination),
  )
  return new Map(
    [...Map.groupBy(durable, ({ destination }) => destination)].map(([name, rows]) => [
      name,
      rows.map((row) => row.routing_key),
    ]),
  )
}
