import { setTimeout as pause } from 'node:timers/promises'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { anEvent, recorded } from './start.ts'
import { openStream, type StreamingService, startStreaming } from './stream-reader.ts'

let service: StreamingService
let token: string
beforeAll(async () => {
  token = (await signedInAs('user')).token
})
beforeEach(async () => {
  service = await startStreaming({}, { streamsPerUser: 200, rowsPerMinute: 10_000_000 })
})
afterEach(() => service?.stop())

/** Publishes events at a rate until `count` are published. */
const publishSteadily = async (count: number, perSecond: number): Promise<void> => {
  const tickMs = 20
  const each = Math.round((perSecond * tickMs) / 1_000)
  const sent: Promise<unknown>[] = []
  for (let published = 0; published < count; published += each) {
    for (let index = 0; index < each; index++) sent.push(service.broker.publish(anEvent('customer.updated.v1')))
    await pause(tickMs)
  }
  expect(new Set(await Promise.all(sent))).toEqual(new Set(['confirmed']))
}

/** A client that comes back to one of `urls` again and again, with its last id, until it is stopped. */
const follow = (urls: readonly string[]) => {
  const seqs: number[] = []
  const others: string[] = []
  let stopped = false
  let connections = 0
  const connect = async (last: string): Promise<string> => {
    const url = urls[connections % urls.length] ?? ''
    const stream = await openStream(url, { token, headers: { 'last-event-id': last } })
    connections += 1
    const until = Date.now() + 50 + Math.random() * 600
    while (!stopped && !stream.ended() && Date.now() < until) await pause(10)
    stream.close()
    if (stream.status !== 200) others.push(String(stream.status))
    seqs.push(...stream.events().map(({ id }) => Number(id)))
    others.push(...stream.frames().flatMap(({ event = [] }) => event))
    return stream.events().at(-1)?.id ?? last
  }
  const run = async (): Promise<void> => {
    for (let last = '0'; !stopped; ) last = await connect(last)
  }
  const running = run()
  return {
    seqs,
    others,
    connections: () => connections,
    stop: async () => {
      stopped = true
      await running
    },
  }
}

const numbersTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1)

it('50 clients that come back to two replicas while 500 events a second are recorded get each once, in order', async () => {
  const replica = await service.startReplica()
  const count = 2_500
  const clients = Array.from({ length: 50 }, () => follow([service.url, replica.url]))
  await publishSteadily(count, 500)
  await eventually(async () => expect(await recorded(service)).toHaveLength(count), { timeoutMs: 30_000, everyMs: 500 })
  await eventually(() => expect(clients.filter(({ seqs }) => seqs.length < count)).toEqual([]), { timeoutMs: 30_000 })
  await Promise.all(clients.map(({ stop }) => stop()))
  for (const { seqs, others } of clients) {
    expect(others).toEqual([])
    expect(seqs).toEqual(numbersTo(count))
  }
  expect(clients.every(({ connections }) => connections() > 5)).toBe(true)
  await replica.stop()
}, 120_000)

it('a replica that does not record tells at once what the other one records', async () => {
  const replica = await service.startReplica()
  const streams = await Promise.all([service.url, replica.url].map((url) => openStream(url, { token })))
  // Both listen by then.
  await pause(1_000)
  const delays: number[] = []
  for (let index = 1; index <= 20; index++) {
    const startedAt = performance.now()
    await service.broker.publish(anEvent('customer.updated.v1'))
    await Promise.all(streams.map((stream) => stream.untilEvents(index)))
    delays.push(performance.now() - startedAt)
  }
  // Without notifications, half of them would take longer than half of the interval of polls.
  expect(delays.toSorted((a, b) => a - b)[15]).toBeLessThan(250)
  for (const stream of streams) stream.close()
  await replica.stop()
})

it('without notifications, polls find what was recorded', async () => {
  const stream = await openStream(service.url, { token })
  await pause(500)
  // Every notification is lost from now on.
  const cut = () =>
    service.db.query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and query ilike 'listen %'`,
    )
  for (let index = 1; index <= 5; index++) {
    await cut()
    await service.broker.publish(anEvent('customer.updated.v1'))
    await stream.untilEvents(index, 2_000)
  }
  expect(stream.frames().map(({ id }) => id)).toEqual(['1', '2', '3', '4', '5'])
  stream.close()
}, 30_000)

it('a stream goes on after the database was away', async () => {
  const stream = await openStream(service.url, { token })
  const all = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`
  for (let index = 1; index <= 3; index++) {
    await service.db.query(all).catch(() => {})
    await service.broker.publish(anEvent('customer.updated.v1'))
    await stream.untilEvents(index, 15_000)
  }
  expect(stream.frames().map(({ id }) => id)).toEqual(['1', '2', '3'])
  stream.close()
}, 60_000)

it('100 clients resume at once from 5,000 events back', async () => {
  const count = 5_500
  for (let published = 0; published < count; published += 500)
    await Promise.all(Array.from({ length: 500 }, () => service.broker.publish(anEvent('customer.updated.v1'))))
  await eventually(
    async () => {
      const [row] = await service.db.query<{ seq: number }>('select max(seq) as seq from head')
      expect(row?.seq).toBe(count)
    },
    { timeoutMs: 60_000 },
  )
  const streams = await Promise.all(
    Array.from({ length: 100 }, (_, index) =>
      openStream(service.url, { token, headers: { 'last-event-id': String(400 + index) } }),
    ),
  )
  await eventually(() => expect(streams.filter((stream) => stream.events().length < 5_000)).toEqual([]), {
    timeoutMs: 30_000,
    everyMs: 100,
  })
  for (const [index, stream] of streams.entries()) {
    const events = stream.events()
    expect([events.length, events[0]?.id, events.at(-1)?.id]).toEqual([
      count - 400 - index,
      String(401 + index),
      String(count),
    ])
    stream.close()
  }
}, 120_000)
