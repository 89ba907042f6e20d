import type { TestBroker } from '@clientele/platform/testing/broker'
import { eventually } from '@clientele/platform/testing/wait'

export type Event = { id: string; type: string; subject: string; data: Record<string, unknown> & { version: number } }

const exchange = 'clientele.events'
const queue = 'faults.journal'
const pageSize = 2_000
type Queue = { name: string; messages?: number }

/** A durable queue that takes every event, from before the first one. */
export const openJournal = async ({ management }: TestBroker): Promise<void> => {
  await management('PUT', `/exchanges/{vhost}/${exchange}`, { type: 'topic', durable: true })
  await management('PUT', `/queues/{vhost}/${queue}`, { durable: true, arguments: { 'x-queue-type': 'quorum' } })
  await management('POST', `/bindings/{vhost}/e/${exchange}/q/${queue}`, { routing_key: '#' })
}

/** Waits until no other queue holds anything. @returns those that still do after `timeoutMs`, dead letters among them */
export const consumersDone = async ({ management }: TestBroker, timeoutMs: number): Promise<string[]> => {
  let quiet = 0
  let busy: string[] = []
  const look = async (): Promise<void> => {
    const queues = await management<Queue[]>('GET', '/queues/{vhost}')
    busy = queues
      .filter(({ name, messages }) => name !== queue && messages !== 0)
      .map(({ name, messages }) => `${name} ${messages}`)
    quiet = busy.length === 0 ? quiet + 1 : 0
    // The figures of the management are up to five seconds old.
    if (quiet < 7) throw new Error('not yet')
  }
  await eventually(look, { timeoutMs, everyMs: 1_000 }).catch(() => {})
  return busy
}

/** Everything that was published, in the order of the queue; it is taken out. */
export const readJournal = async ({ management }: TestBroker): Promise<Event[]> => {
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

/** Which types of event each consumer's queue takes. */
export const bindingsOf = async ({ management }: TestBroker): Promise<Map<string, string[]>> => {
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
