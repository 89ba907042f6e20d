import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { startSystem } from '@clientele/e2e/system'
import { writeTable } from '@clientele/features/tables/writer'
import { testDatabase } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { load } from '../load.ts'
import { childPids, watchMemory } from '../memory.ts'
import { asSuperuser } from '../postgres-backends.ts'
import { cpuOf } from '../process.ts'
import { newSession } from '../session.ts'
import { seedCustomers } from './customers-seed.ts'

const rows = 60_000
const existingRows = 20_000
const rate = 50
const targets = { perSecond: 5_000, sheetPerSecond: 2_500, memory: 250, latency: 3 }
const unlimited = '10000000'
const limits = { RATE_LIMIT_USER: unlimited, RATE_LIMIT_ADDRESS: unlimited }

type JobBody = { id: string; status: string; counts: Record<string, number>; startedAt: string; finishedAt: string }

const header = 'name,surname,email,phone,tags,city,country,external id\r\n'
const line = (n: number): string =>
  `Ana ${n % 5_000},Lovelace ${n},ana.${n}@example.com,+25471${String(n).padStart(7, '0')},retail;r${n % 40},Nairobi,KE,import-${n}\r\n`
const columns = header.trim().split(',')
/** The same rows with other ids, as a workbook. */
const workbook = async (): Promise<Buffer> => {
  async function* batches() {
    for (let from = 0; from < rows; from += 1_000)
      yield Array.from({ length: 1_000 }, (_, n) => {
        const cells = line(from + n + rows)
          .trim()
          .split(',')
        return Object.fromEntries(columns.map((column, index) => [column, cells[index]]))
      })
  }
  const chunks: Buffer[] = []
  for await (const chunk of writeTable(batches(), { format: 'xlsx', columns }).chunks) chunks.push(chunk)
  return Buffer.concat(chunks)
}
const workbookType = 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet'
const file = (): Buffer => Buffer.from(header + Array.from({ length: rows }, (_, n) => line(n)).join(''))

/** Rows per second and µs of CPU per row of a COPY of the same rows into a table with the same indexes and existing rows. */
const measureCopy = async (from: string): Promise<{ perSecond: number; cpu: number }> => {
  const peer = await testDatabase({
    schema: 'customers',
    migrations: new URL('../../customer-service/migrations/', import.meta.url),
  })
  await seedCustomers(peer.url, existingRows)
  const path = join(tmpdir(), `clientele-copy-${randomBytes(6).toString('hex')}`)
  try {
    const columns = await asSuperuser(from, async (client) => {
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
    return await asSuperuser(peer.url, async (client) => {
      const { pid = 0 } = (await client.query<{ pid: number }>('select pg_backend_pid() as pid')).rows[0] ?? {}
      const [startedAt, usedCpu] = [performance.now(), cpuOf(pid)]
      await client.query(`copy customers.customers (${columns}) from '${path}'`)
      const perSecond = (rows * 1_000) / (performance.now() - startedAt)
      const cpu = (cpuOf(pid) - usedCpu) / rows
      // The file belongs to the PostgreSQL server's account.
      await client.query(`copy (select) to program 'rm ${path}'`)
      return { perSecond, cpu }
    })
  } finally {
    await peer.drop()
  }
}

/** Waits until the outbox is empty. @returns the seconds that it took */
const waitUntilRelayed = (url: string): Promise<number> =>
  asSuperuser(url, async (client) => {
    const startedAt = performance.now()
    await eventually(
      async () => {
        const { rowCount } = await client.query('select from customers.outbox where returned_at is null limit 1')
        if (rowCount !== 0) throw new Error('the outbox is not empty')
      },
      { timeoutMs: 200_000, everyMs: 500 },
    )
    return (performance.now() - startedAt) / 1_000
  })

export const imports: Benchmark = {
  name: 'imports',
  about: `${rows} new customers with eight columns imported from a CSV file through the gateway, with validation, events and editors. A list page is requested ${rate} times per second before and during the import, and while its events are published. Then as many others from a workbook. PostgreSQL COPY of the same rows into a table with the same indexes shows the limit. Both tables hold ${existingRows} customers before.`,
  run: async (bench: BenchmarkContext): Promise<Figure[]> => {
    const token = await newSession()
    const system = await startSystem(
      { gateway: limits, 'customer-service': { JOB_POLL_MS: '200', LOG_LEVEL: 'info' } },
      { logFile: '/dev/null' },
    )
    const watch = watchMemory({ jobs: () => childPids(system.pid('customer-service')) })
    try {
      const call = async <T = JobBody>(
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
        const response = await fetch(`${system.gateway}${path}`, request)
        if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
        return (await response.json()) as T
      }
      const waitFor = (path: string, status: string) =>
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
      const seconds = ({ startedAt, finishedAt }: JobBody) => (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000

      /** Sends a workbook, and imports it. The unpacking process ends with the response. */
      const importWorkbook = async () => {
        const content = await workbook()
        const unpacking = watchMemory({ processes: () => childPids(system.pid('customer-service')) })
        const startedAt = performance.now()
        const { id } = await call('POST', '/v1/imports', content, workbookType)
        const sent = (performance.now() - startedAt) / 1_000
        unpacking.stop()
        await waitFor(`/v1/imports/${id}`, 'checked')
        const job = await call('POST', `/v1/imports/${id}/commit`, '{}')
        await waitFor(`/v1/jobs/${job.id}`, 'succeeded')
        const whole = (performance.now() - startedAt) / 1_000
        bench.log(
          `workbook of ${(content.length / 1e6).toFixed(1)} MB sent in ${sent.toFixed(1)} s, imported in ${whole.toFixed(1)} s`,
        )
        return { perSecond: rows / whole, converted: rows / sent, memory: unpacking.peak('processes') }
      }

      await seedCustomers(system.database('customer-service'), existingRows)
      await latency(5)
      const idle = await latency(15)
      const startedAt = performance.now()
      const { id } = await call('POST', '/v1/imports', file(), 'text/csv')
      const sent = (performance.now() - startedAt) / 1_000
      await waitFor(`/v1/imports/${id}`, 'checked')
      const [check] = (await call<{ data: JobBody[] }>('GET', '/v1/jobs?kind=import.check')).data
      bench.log(`sent in ${sent.toFixed(1)} s, checked in ${check ? seconds(check).toFixed(1) : '?'} s`)
      const job = await call('POST', `/v1/imports/${id}/commit`, '{}')
      await waitFor(`/v1/jobs/${job.id}`, 'running')
      const workerPid = childPids(system.pid('customer-service'))[0] ?? 0
      const usedCpu = cpuOf(workerPid)
      const busy = await latency(15)
      const done = await waitFor(`/v1/jobs/${job.id}`, 'succeeded')
      bench.log(
        `${JSON.stringify(done.counts)} in ${seconds(done).toFixed(1)} s; p99 ${idle.p99} ms and ${busy.p99} ms`,
      )
      const cpu = (cpuOf(workerPid) - usedCpu) / rows
      const publishing = await latency(15)
      const relayed = await waitUntilRelayed(system.database('customer-service'))
      bench.log(`p99 ${publishing.p99} ms while events are published; outbox empty ${relayed.toFixed(0)} s later`)
      const limit = await measureCopy(system.database('customer-service'))
      const perSecond = rows / seconds(done)
      const sheet = await importWorkbook()
      return [
        { what: 'rows imported', value: perSecond, unit: '/s', target: { atLeast: targets.perSecond } },
        { what: 'rows checked in the dry run', value: check ? rows / seconds(check) : Number.NaN, unit: '/s' },
        {
          what: 'XLSX: rows imported, from sending to the end',
          value: sheet.perSecond,
          unit: '/s',
          target: { atLeast: targets.sheetPerSecond },
        },
        { what: 'XLSX: rows sent and converted', value: sheet.converted, unit: '/s' },
        {
          what: 'XLSX: peak memory of a process that converts or imports',
          value: sheet.memory,
          unit: 'MB',
          target: { atMost: targets.memory },
        },
        { what: 'rows written by COPY', value: limit.perSecond, unit: '/s' },
        { what: 'import relative to COPY', value: perSecond / limit.perSecond, unit: '×' },
        { what: 'CPU of the worker process per row', value: cpu, unit: 'µs' },
        { what: 'CPU of COPY per row', value: limit.cpu, unit: 'µs' },
        {
          what: 'peak memory of the worker process',
          value: watch.peak('jobs'),
          unit: 'MB',
          target: { atMost: targets.memory },
        },
        { what: 'list page: p99 before the import', value: idle.p99, unit: 'ms' },
        { what: 'list page: p99 during the import', value: busy.p99, unit: 'ms' },
        {
          what: 'list page: p99 during the import, relative to before',
          value: busy.p99 / idle.p99,
          unit: '×',
          target: { atMost: targets.latency },
        },
        {
          what: 'list page: p99 while events are published, relative to before',
          value: publishing.p99 / idle.p99,
          unit: '×',
          target: { atMost: targets.latency },
        },
        { what: 'events published', value: rows / (15 + relayed), unit: '/s' },
      ]
    } finally {
      watch.stop()
      await system.close()
    }
  },
}
