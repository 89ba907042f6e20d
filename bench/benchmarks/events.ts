import { setTimeout as pause } from 'node:timers/promises'
import { testBroker } from '@clientele/platform/testing/broker'
import { asOwner, testDatabase } from '@clientele/platform/testing/database'
import { connect } from 'amqplib'
import pg from 'pg'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { type PeerProcess, startPeerProcess } from '../peer-process.ts'
import type { Burst } from '../peers/event-load.ts'
import { cpuOf } from '../process.ts'

const perSecond = 200
const rounds = 6
const roundSeconds = 6
const backlog = 100_000
const queue = 'bench.events'

type Side = { name: string; sender: PeerProcess; receiver: PeerProcess; delays: number[]; cpu: number }

const quantile = (values: number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

const measure = async (side: Side, burst: Burst): Promise<number[]> => {
  const used = () => cpuOf(side.sender.pid) + cpuOf(side.receiver.pid)
  const before = used()
  const [sent, received] = await Promise.all([
    side.sender.call<number[]>('send', burst),
    side.receiver.call<number[]>('take', burst),
  ])
  side.cpu += used() - before
  return received.map((at, n) => (at - (sent[n] ?? Number.NaN)) / 1_000)
}

/** Measures both sides in turns, so that other load on the machine affects both. */
const compare = async (sides: Side[], { log }: BenchmarkContext): Promise<void> => {
  let from = 1
  const next = (seconds: number): Burst => {
    const burst = { from, count: perSecond * seconds, perSecond }
    from += burst.count
    return burst
  }
  for (const side of sides) await measure(side, next(2))
  for (const side of sides) side.cpu = 0
  for (let round = 1; round <= rounds; round += 1) {
    for (const side of sides) {
      const delays = await measure(side, next(roundSeconds))
      side.delays.push(...delays)
      const [p50, p99] = [quantile(delays, 0.5), quantile(delays, 0.99)].map((ms) => ms.toFixed(1))
      log(`round ${round} ${side.name.padEnd(6)} p50 ${p50} ms, p99 ${p99} ms`)
    }
  }
}

const waitUntil = async (what: string, timeoutMs: number, reached: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + timeoutMs
  while (!(await reached())) {
    if (Date.now() > deadline) throw new Error(`${what} after ${timeoutMs / 1_000} s`)
    await pause(20)
  }
}

const latency = async (sides: [Side, Side], bench: BenchmarkContext): Promise<Figure[]> => {
  await compare(sides, bench)
  const [ours, raw] = sides.map(({ delays, cpu }) => ({
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
    cpu: cpu / delays.length,
  }))
  if (!ours || !raw) return []
  const comparison = 'relative to a raw confirmed publish'
  return [
    {
      what: `commit to handler at ${perSecond}/s: p50, ${comparison}`,
      value: ours.p50 / raw.p50,
      unit: '×',
      target: { atMost: 2 },
    },
    {
      what: `commit to handler at ${perSecond}/s: p99, ${comparison}`,
      value: ours.p99 / raw.p99,
      unit: '×',
      target: { atMost: 3 },
    },
    { what: 'commit to handler, p50', value: ours.p50, unit: 'ms' },
    { what: 'commit to handler, p99', value: ours.p99, unit: 'ms' },
    { what: 'raw publish to callback, p50', value: raw.p50, unit: 'ms' },
    { what: 'raw publish to callback, p99', value: raw.p99, unit: 'ms' },
    { what: 'CPU of writer, relay and consumer per event', value: ours.cpu, unit: 'µs' },
    { what: 'CPU of raw publisher and consumer per message', value: raw.cpu, unit: 'µs' },
  ]
}

export const events: Benchmark = {
  name: 'events',
  about:
    'Latency from the commit of an outbox row through relay and RabbitMQ to the handler of a consumer, each in its own process, relative to the client library alone on a durable quorum queue. Then the throughput of a backlog of 100,000 events: from the outbox to RabbitMQ, and from RabbitMQ through a consumer that writes a row for each, all that wait at once.',
  run: async (bench) => {
    const cleanups: (() => Promise<unknown>)[] = []
    const startPeer = async (name: string, config: object): Promise<PeerProcess> => {
      const started = await startPeerProcess(name, config)
      cleanups.unshift(started.stop)
      return started
    }
    const database = async () => {
      const migrations = new URL('../../platform/test/migrations/', import.meta.url)
      const made = await testDatabase({ schema: 'platform_test', migrations })
      cleanups.unshift(made.drop)
      await asOwner(made, 'create table seen (subject text primary key, version integer not null)')
      return made.url
    }
    try {
      const broker = await testBroker()
      cleanups.unshift(broker.close)
      const brokerUrl = broker.url
      const [writing, reading] = [await database(), await database()]
      const reader = await startPeer('event-reader', { databaseUrl: reading, brokerUrl, queue })
      await reader.call('consume')
      const writer = await startPeer('outbox-writer', { databaseUrl: writing, brokerUrl })
      await writer.call('relay')
      const sender = await startPeer('raw-queue', { brokerUrl, queue: 'bench.raw' })
      const receiver = await startPeer('raw-queue', { brokerUrl, queue: 'bench.raw' })
      await receiver.call('consume')
      const ours = { name: 'outbox', sender: writer, receiver: reader, delays: [], cpu: 0 }
      const raw = { name: 'raw', sender, receiver, delays: [], cpu: 0 }
      const figures = await latency([ours, raw], bench)
      await Promise.all([sender.stop(), receiver.stop(), writer.stop(), reader.call('pause')])
      return [...figures, ...(await measureBacklog(bench, { startPeer, writing, brokerUrl, reader }))]
    } finally {
      for (const end of cleanups) await end().catch((error: Error) => bench.log(`not cleaned up: ${error.message}`))
    }
  },
}

type DrainContext = {
  startPeer: (name: string, config: object) => Promise<PeerProcess>
  writing: string
  brokerUrl: string
  reader: PeerProcess
}

const measureBacklog = async (
  { log }: BenchmarkContext,
  { startPeer, writing, brokerUrl, reader }: DrainContext,
): Promise<Figure[]> => {
  const burst: Burst = { from: 1_000_000, count: backlog, perSecond: 0 }
  const writer = await startPeer('outbox-writer', { databaseUrl: writing, brokerUrl })
  await writer.call('fill', burst, 120_000)
  log(`${backlog} events wait in the outbox`)
  const client = new pg.Client({ connectionString: writing })
  await client.connect()
  const model = await connect(brokerUrl)
  try {
    const channel = await model.createChannel()
    const timed = async (pid: number, work: () => Promise<unknown>) => {
      const [cpu, from] = [cpuOf(pid), performance.now()]
      await work()
      const seconds = (performance.now() - from) / 1_000
      return { perSecond: backlog / seconds, cpu: (cpuOf(pid) - cpu) / backlog }
    }
    const isEmpty = async () => (await client.query('select from outbox limit 1')).rowCount === 0
    const relayed = await timed(writer.pid, async () => {
      await writer.call('relay')
      await waitUntil('the outbox is not empty', 90_000, isEmpty)
    })
    log(`relayed at ${relayed.perSecond.toFixed(0)}/s`)
    const { messageCount } = await channel.checkQueue(queue)
    if (messageCount !== backlog) throw new Error(`${messageCount} messages in the queue instead of ${backlog}`)
    const consumed = await timed(reader.pid, async () => {
      await reader.call('consume')
      await reader.call('take', burst, 120_000)
    })
    log(`consumed at ${consumed.perSecond.toFixed(0)}/s`)
    return [
      { what: 'backlog, outbox to broker', value: relayed.perSecond, unit: '/s', target: { atLeast: 5_000 } },
      { what: 'backlog, CPU of the relay per event', value: relayed.cpu, unit: 'µs' },
      { what: 'backlog, broker to consumer', value: consumed.perSecond, unit: '/s' },
      { what: 'backlog, CPU of the consumer per event', value: consumed.cpu, unit: 'µs' },
    ]
  } finally {
    await client.end()
    await model.close()
  }
}
