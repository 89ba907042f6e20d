import { setTimeout as pause } from 'node:timers/promises'
import { testBroker } from '@clientele/platform/testing/broker'
import { testDatabase } from '@clientele/platform/testing/database'
import { connect } from 'amqplib'
import pg from 'pg'
import type { Bench, Figure, Part } from '../part.ts'
import type { Burst } from '../peers/event-load.ts'
import { cpuOf } from '../process.ts'
import { type Program, startProgram } from '../program.ts'

const perSecond = 200
const rounds = 6
const roundSeconds = 6
const backlog = 100_000
const queue = 'bench.events'

type Side = { name: string; sender: Program; receiver: Program; delays: number[]; cpu: number }

const quantile = (values: number[], share: number): number => {
  const sorted = values.toSorted((a, b) => a - b)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN
}

const measure = async (side: Side, burst: Burst): Promise<number[]> => {
  const used = () => cpuOf(side.sender.pid) + cpuOf(side.receiver.pid)
  const before = used()
  const [sent, received] = await Promise.all([
    side.sender.ask<number[]>('send', burst),
    side.receiver.ask<number[]>('take', burst),
  ])
  side.cpu += used() - before
  return received.map((at, n) => (at - (sent[n] ?? Number.NaN)) / 1_000)
}

/** Both sides in turns, so that what else the machine does hits both. */
const compare = async (sides: Side[], { say }: Bench): Promise<void> => {
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
      say(`round ${round} ${side.name.padEnd(6)} p50 ${p50} ms, p99 ${p99} ms`)
    }
  }
}

const until = async (what: string, timeoutMs: number, reached: () => Promise<boolean>): Promise<void> => {
  const deadline = Date.now() + timeoutMs
  while (!(await reached())) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${timeoutMs / 1_000} s`)
    await pause(20)
  }
}

const latency = async (sides: [Side, Side], bench: Bench): Promise<Figure[]> => {
  await compare(sides, bench)
  const [ours, raw] = sides.map(({ delays, cpu }) => ({
    p50: quantile(delays, 0.5),
    p99: quantile(delays, 0.99),
    cpu: cpu / delays.length,
  }))
  if (!ours || !raw) return []
  const of = 'of a raw confirmed publish'
  return [
    {
      what: `commit to handler at ${perSecond}/s, p50, ${of}`,
      value: ours.p50 / raw.p50,
      unit: '×',
      target: { atMost: 2 },
    },
    {
      what: `commit to handler at ${perSecond}/s, p99, ${of}`,
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

export const events: Part = {
  name: 'events',
  about:
    'Events from the outbox through relay and broker to a consumer, in processes of their own, beside the client library alone on a durable quorum queue; then a backlog of 100,000 from the outbox to the broker, and from there through a consumer that writes a row for each.',
  run: async (bench) => {
    const ends: (() => Promise<unknown>)[] = []
    const program = async (name: string, config: object): Promise<Program> => {
      const started = await startProgram(name, config)
      ends.unshift(started.stop)
      return started
    }
    const database = async () => {
      const migrations = new URL('../../platform/test/migrations/', import.meta.url)
      const made = await testDatabase({ schema: 'platform_test', migrations })
      ends.unshift(made.drop)
      return made.url
    }
    try {
      const broker = await testBroker()
      ends.unshift(broker.close)
      const brokerUrl = broker.url
      const [writing, reading] = [await database(), await database()]
      const reader = await program('event-reader', { databaseUrl: reading, brokerUrl, queue })
      await reader.ask('consume')
      const writer = await program('outbox-writer', { databaseUrl: writing, brokerUrl })
      await writer.ask('relay')
      const sender = await program('raw-queue', { brokerUrl, queue: 'bench.raw' })
      const receiver = await program('raw-queue', { brokerUrl, queue: 'bench.raw' })
      await receiver.ask('consume')
      const ours = { name: 'outbox', sender: writer, receiver: reader, delays: [], cpu: 0 }
      const raw = { name: 'raw', sender, receiver, delays: [], cpu: 0 }
      const figures = await latency([ours, raw], bench)
      await Promise.all([sender.stop(), receiver.stop(), writer.stop(), reader.ask('pause')])
      return [...figures, ...(await drains(bench, { program, writing, brokerUrl, reader }))]
    } finally {
      for (const end of ends) await end().catch((error: Error) => bench.say(`not cleaned up: ${error.message}`))
    }
  },
}

type Parts = {
  program: (name: string, config: object) => Promise<Program>
  writing: string
  brokerUrl: string
  reader: Program
}

const drains = async ({ say }: Bench, { program, writing, brokerUrl, reader }: Parts): Promise<Figure[]> => {
  const burst: Burst = { from: 1_000_000, count: backlog, perSecond: 0 }
  const writer = await program('outbox-writer', { databaseUrl: writing, brokerUrl })
  await writer.ask('fill', burst, 120_000)
  say(`${backlog} events wait in the outbox`)
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
      await writer.ask('relay')
      await until('the outbox is not empty', 90_000, isEmpty)
    })
    say(`relayed at ${relayed.perSecond.toFixed(0)}/s`)
    const { messageCount } = await channel.checkQueue(queue)
    if (messageCount !== backlog) throw new Error(`${messageCount} messages in the queue instead of ${backlog}`)
    const consumed = await timed(reader.pid, async () => {
      await reader.ask('consume')
      await reader.ask('take', burst, 120_000)
    })
    say(`consumed at ${consumed.perSecond.toFixed(0)}/s`)
    return [
      { what: 'backlog, outbox to broker', value: relayed.perSecond, unit: '/s', target: { atLeast: 5_000 } },
      { what: 'backlog, CPU of the relay per event', value: relayed.cpu, unit: 'µs' },
      { what: 'backlog, broker through a consumer', value: consumed.perSecond, unit: '/s' },
      { what: 'backlog, CPU of the consumer per event', value: consumed.cpu, unit: 'µs' },
    ]
  } finally {
    await client.end()
    await model.close()
  }
}
