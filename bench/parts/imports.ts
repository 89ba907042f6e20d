import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSystem } from '@clientele/e2e/system'
import { testDatabase } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import { asAdmin } from '../backends.ts'
import { load } from '../load.ts'
import { childrenOf, watchMemory } from '../memory.ts'
import type { Bench, Figure, Part } from '../part.ts'
import { cpuOf } from '../process.ts'
import { newSession } from '../session.ts'
import { seedCustomers } from './customers-seed.ts'

const rows = 60_000
const before = 20_000
const rate = 50
const wanted = { perSecond: 5_000, memory: 250, latency: 3 }
const plenty = '10000000'
const limits = { RATE_LIMIT_USER: plenty, RATE_LIMIT_ADDRESS: plenty }

type Body = { id: string; status: string; counts: Record<string, number>; startedAt: string; finishedAt: string }

const header = 'name,surname,email,phone,tags,city,country,external id\r\n'
const line = (n: number): string =>
  `Ana ${n % 5_000},Lovelace ${n},ana.${n}@example.com,+25471${String(n).padStart(7, '0')},retail;r${n % 40},Nairobi,KE,import-${n}\r\n`
const file = (): Buffer => Buffer.from(header + Array.from({ length: rows }, (_, n) => line(n)).join(''))

const connected = async <T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> => {
  const client = new pg.Client({ connectionString: asAdmin(url), query_timeout: 600_000 })
  await client.connect()
  return use(client).finally(() => client.end())
}

/** Rows a second, and µs of CPU a row, of PostgreSQL's own COPY of the same rows into a table of the same content and indexes. */
const copied = async (from: string): Promise<{ perSecond: number; cpu: number }> => {
  const peer = await testDatabase({
    schema: 'customers',
    migrations: new URL('../../customer-service/migrations/', import.meta.url),
  })
  await seedCustomers(peer.url, before)
  const path = join(tmpdir(), `clientele-copy-${randomBytes(6).toString('hex')}`)
  try {
    const columns = await connected(from, async (client) => {
      const { rows } = await client.query<{ names: string }>(
        `select string_agg(quote_ident(column_name), ', ' order by ordinal_position) as names from information_schema.columns
         where table_schema = 'customers' and table_name = 'customers' and is_generated = 'NEVER'`,
      )
      const names = rows[0]?.names ?? ''
      await client.query(
        `copy (select ${names} from customers.customers where external_id like 'import-%') to '${path}'`,
      )
      return names
    })
    return await connected(peer.url, async (client) => {
      const { pid = 0 } = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0] ?? {}
      const [begun, used] = [performance.now(), cpuOf(pid)]
      await client.query(`copy customers.customers (${columns}) from '${path}'`)
      const perSecond = (rows * 1_000) / (performance.now() - begun)
      const cpu = (cpuOf(pid) - used) / rows
      // The file is the server's own.
      await client.query(`copy (select) to program 'rm ${path}'`)
      return { perSecond, cpu }
    })
  } finally {
    await peer.drop()
  }
}

/** @returns the seconds until no event waits */
const drained = (url: string): Promise<number> =>
  connected(url, async (client) => {
    const begun = performance.now()
    await eventually(
      async () => {
        const { rowCount } = await client.query('select from customers.outbox where returned_at is null limit 1')
        if (rowCount !== 0) throw new Error('events still wait')
      },
      { timeoutMs: 200_000, everyMs: 500 },
    )
    return (performance.now() - begun) / 1_000
  })

export const imports: Part = {
  name: 'imports',
  about: `${rows} new customers of eight columns from a CSV file, through the gateway, with checks, events and editors; a page of the list is asked for ${rate} times a second before, meanwhile, and while the events leave. Beside it PostgreSQL's COPY of the same rows into a table with the same indexes, which holds ${before} customers on both sides.`,
  run: async (bench: Bench): Promise<Figure[]> => {
    const token = await newSession()
    const system = await startSystem(
      { gateway: limits, 'customer-service': { JOB_POLL_MS: '200', LOG_LEVEL: 'info' } },
      { logFile: '/dev/null' },
    )
    const watch = watchMemory({ jobs: () => childrenOf(system.pid('customer-service')) })
    try {
      const call = async <T = Body>(
        method: string,
        path: string,
        body?: Buffer | string,
        type = 'application/json',
      ) => {
        const headers = {
          authorization: `Bearer ${await token()}`,
          ...(body !== undefined && { 'content-type': type }),
        }
        const request = { method, headers, ...(body !== undefined && { body: body as string }) }
        const answer = await fetch(`${system.gateway}${path}`, request)
        if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
        return (await answer.json()) as T
      }
      const until = (path: string, status: string) =>
        eventually(
          async () => {
            const body = await call('GET', path)
            if (body.status !== status) throw new Error(`${path} is ${body.status} ${JSON.stringify(body.counts)}`)
            return body
          },
          { timeoutMs: 600_000, everyMs: 500 },
        )
      const latency = async (seconds: number) => {
        const headers = { authorization: `Bearer ${await token()}` }
        return load({ url: `${system.gateway}/v1/customers?limit=20`, seconds, rate, headers })
      }
      const seconds = ({ startedAt, finishedAt }: Body) => (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000

      await seedCustomers(system.database('customer-service'), before)
      await latency(5)
      const idle = await latency(15)
      const begun = performance.now()
      const { id } = await call('POST', '/v1/imports', file(), 'text/csv')
      const sent = (performance.now() - begun) / 1_000
      await until(`/v1/imports/${id}`, 'checked')
      const [check] = (await call<{ data: Body[] }>('GET', '/v1/jobs?kind=import.check')).data
      bench.say(`sent in ${sent.toFixed(1)} s, checked in ${check ? seconds(check).toFixed(1) : '?'} s`)
      const job = await call('POST', `/v1/imports/${id}/commit`, '{}')
      await until(`/v1/jobs/${job.id}`, 'running')
      const process = childrenOf(system.pid('customer-service'))[0] ?? 0
      const used = cpuOf(process)
      const busy = await latency(15)
      const done = await until(`/v1/jobs/${job.id}`, 'succeeded')
      bench.say(
        `${JSON.stringify(done.counts)} in ${seconds(done).toFixed(1)} s; p99 ${idle.p99} ms and ${busy.p99} ms`,
      )
      const cpu = (cpuOf(process) - used) / rows
      const leaving = await latency(15)
      const relayed = await drained(system.database('customer-service'))
      bench.say(`p99 ${leaving.p99} ms while events leave; the last ${relayed.toFixed(0)} s later`)
      const limit = await copied(system.database('customer-service'))
      const perSecond = rows / seconds(done)
      return [
        { what: 'rows imported a second', value: perSecond, unit: '/s', target: { atLeast: wanted.perSecond } },
        { what: 'rows checked a second in the dry run', value: check ? rows / seconds(check) : Number.NaN, unit: '/s' },
        { what: 'the same rows by COPY', value: limit.perSecond, unit: '/s' },
        { what: 'import, part of COPY', value: perSecond / limit.perSecond, unit: '×' },
        { what: 'CPU of the job process, a row', value: cpu, unit: 'µs' },
        { what: 'CPU of COPY, a row', value: limit.cpu, unit: 'µs' },
        {
          what: 'memory of the job process, at most',
          value: watch.peak('jobs'),
          unit: 'MB',
          target: { atMost: wanted.memory },
        },
        { what: 'p99 of a page of the list, idle', value: idle.p99, unit: 'ms' },
        { what: 'the same during the import', value: busy.p99, unit: 'ms' },
        {
          what: 'p99 during the import, against idle',
          value: busy.p99 / idle.p99,
          unit: '×',
          target: { atMost: wanted.latency },
        },
        {
          what: 'p99 afterwards, while its events leave, against idle',
          value: leaving.p99 / idle.p99,
          unit: '×',
          target: { atMost: wanted.latency },
        },
        { what: 'events relayed a second', value: rows / (15 + relayed), unit: '/s' },
      ]
    } finally {
      watch.stop()
      await system.close()
    }
  },
}
