import { once } from 'node:events'
import { type ClientRequest, request } from 'node:http'
import { setTimeout as pause } from 'node:timers/promises'
import type { System } from '@clientele/e2e/system'
import { createFrameReader } from '@clientele/platform/testing/event-frames'
import pg from 'pg'
import type { BenchmarkContext, Figure } from '../benchmark.ts'
import { memoryOf } from '../process.ts'
import { sendRequest } from '../requests.ts'
import { newPeople } from '../session.ts'

const perSecond = 100
const seconds = 10
const people = 128
const streamsEach = 8
const service = 'activity-service'

const quantile = (values: number[], share: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length * share)] ?? Number.NaN

/** Opens a stream and collects the time from each event until it arrives, in ms. */
const openStream = async (system: System, token: string, delays: number[]): Promise<ClientRequest> => {
  const headers = { authorization: `Bearer ${token}`, accept: 'text/event-stream' }
  const sent = request(`${system.gateway}/v1/events/stream?type=customer.*`, { headers, agent: false }).end()
  const [response] = await once(sent, 'response', { signal: AbortSignal.timeout(30_000) })
  if (response.statusCode !== 200) throw new Error(`the stream returned ${response.statusCode}`)
  const readFrames = createFrameReader()
  response.setEncoding('utf8').on('data', (chunk: string) => {
    const now = Date.now()
    for (const { data = '' } of readFrames(chunk)) {
      const [, time] = /"time":"([^"]+)"/.exec(data) ?? []
      if (time) delays.push(now - Date.parse(time))
    }
  })
  response.on('error', () => {})
  sent.on('error', () => {})
  return sent
}

/** Changes customers at a steady rate. */
const changeCustomers = async (system: System, tokens: readonly string[]): Promise<void> => {
  const client = new pg.Client({ connectionString: system.ownerDatabase('customer-service') })
  await client.connect()
  const { rows } = await client.query<{ id: string }>('select id from customers limit 1000')
  await client.end()
  const running: Promise<unknown>[] = []
  for (let index = 0; index < perSecond * seconds; index += 1) {
    const path = `/v1/customers/${rows[index % rows.length]?.id}`
    const step = { method: 'PATCH', path, body: { name: `Ana ${index}` } }
    running.push(sendRequest(system.gateway, tokens[index % tokens.length] ?? '', step))
    await pause(1_000 / perSecond)
  }
  await Promise.all(running)
}

const memoryOfBoth = (system: System): number =>
  memoryOf(system.pid('gateway')).resident + memoryOf(system.pid(service)).resident

/** The time from a change to its recording, and to one and to about a thousand clients of streams. */
export const measureStreams = async (system: System, { log }: BenchmarkContext): Promise<Figure[]> => {
  const tokens = await (await newPeople(people))()
  const one: number[] = []
  const first = await openStream(system, tokens[0] ?? '', one)
  await changeCustomers(system, tokens)
  await pause(1_000)
  first.destroy()
  const client = new pg.Client({ connectionString: system.ownerDatabase(service) })
  await client.connect()
  const { rows } = await client.query<{ p50: number; p99: number }>(
    `select percentile_cont(0.5) within group (order by ms) as p50, percentile_cont(0.99) within group (order by ms) as p99
     from (select extract(epoch from recorded_at - at)::float8 * 1000 as ms from events where type = 'customer.updated.v1'
       order by seq desc limit $1) as latest`,
    [perSecond * seconds],
  )
  await client.end()
  const before = memoryOfBoth(system)
  const many: number[] = []
  const clients: ClientRequest[] = []
  for (const token of tokens.slice(0, people - 3))
    for (let n = 0; n < streamsEach; n += 1) clients.push(await openStream(system, token, many))
  await pause(2_000)
  const kilobytes = ((memoryOfBoth(system) - before) * 1_024) / clients.length
  await changeCustomers(system, tokens)
  await pause(2_000)
  for (const each of clients) each.destroy()
  log(`${one.length} events to one client, ${many.length} to ${clients.length}`)
  if (one.length < perSecond * seconds || many.length < clients.length * perSecond * seconds)
    throw new Error('some clients did not get every event')
  return [
    {
      what: `from a change to its line in the timeline at ${perSecond}/s, p50`,
      value: rows[0]?.p50 ?? Number.NaN,
      unit: 'ms',
      target: { atMost: 15 },
    },
    {
      what: `from a change to its line in the timeline at ${perSecond}/s, p99`,
      value: rows[0]?.p99 ?? Number.NaN,
      unit: 'ms',
      target: { atMost: 100 },
    },
    {
      what: 'from a change to the client of a stream, p99',
      value: quantile(one, 0.99),
      unit: 'ms',
      target: { atMost: 100 },
    },
    {
      what: `from a change to each of ${clients.length} clients, p99`,
      value: quantile(many, 0.99),
      unit: 'ms',
      target: { atMost: 400 },
    },
    {
      what: 'memory of gateway and service for each client of a stream',
      value: kilobytes / 1_024,
      unit: 'MB',
      target: { atMost: 60 / 1_024 },
    },
  ]
}
