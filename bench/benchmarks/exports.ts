import { startSystem } from '@clientele/e2e/system'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import type { Benchmark, BenchmarkContext, Figure } from '../benchmark.ts'
import { load } from '../load.ts'
import { childPids, watchMemory } from '../memory.ts'
import { adminUrl } from '../postgres-backends.ts'
import { send } from '../requests.ts'
import { newSession } from '../session.ts'
import { seedCustomers } from './customers-seed.ts'

const rows = 1_000_000
/** One customer in fifty is in the trash. */
const exportedRows = rows * 0.98
const unlimited = '10000000'
const limits = { RATE_LIMIT_USER: unlimited, RATE_LIMIT_ADDRESS: unlimited }
const rate = 50

type Job = {
  status: string
  resultUrl: string
  result: { rows: number; bytes: number }
  startedAt: string
  finishedAt: string
}

/** The seconds that PostgreSQL's COPY TO takes for the same columns. */
const copySeconds = async (databaseUrl: string): Promise<number> => {
  const client = new pg.Client({ connectionString: adminUrl(databaseUrl) })
  await client.connect()
  const from = performance.now()
  await client.query(`copy (select id, code, external_id, name, surname, email, phone, tags, address, locale, sms_opt_out,
    metadata, user_id, photo_media_id, created_at, created_by_name, created_by, updated_at, updated_by_name, updated_by,
    deleted_at, version from customers.customers where deleted_at is null order by id) to '/dev/null' with (format csv, header)`)
  await client.end()
  return (performance.now() - from) / 1000
}

const download = async (url: string, token: string): Promise<{ bytes: number; seconds: number }> => {
  const from = performance.now()
  const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } })
  let bytes = 0
  for await (const chunk of response.body ?? []) bytes += chunk.length
  return { bytes, seconds: (performance.now() - from) / 1000 }
}

export const exports: Benchmark = {
  name: 'exports',
  about:
    '980,000 of 1,000,000 customers (the others are in the trash) exported with all fields: rows per second from the start of the job to its end, peak memory of the worker process, and the latency of a list page at 50 requests/s during an export. PostgreSQL `COPY TO` of the same columns into `/dev/null` shows the limit.',
  run: async (bench: BenchmarkContext) => {
    const token = await newSession()
    const system = await startSystem(
      { gateway: limits, 'customer-service': { JOB_POLL_MS: '200' } },
      { logFile: '/dev/null' },
    )
    try {
      await seedCustomers(system.database('customer-service'), rows)
      bench.log(`${rows} customers seeded`)
      const latency = async (seconds: number) => {
        const headers = { authorization: `Bearer ${await token()}` }
        return load({ url: `${system.gateway}/v1/customers?limit=20`, seconds, rate, headers })
      }
      await latency(5)
      const idle = await latency(15)
      const copied = exportedRows / (await copySeconds(system.database('customer-service')))
      bench.log(`idle p99 ${idle.p99.toFixed(1)} ms; COPY ${copied.toFixed(0)} rows/s`)

      const runExport = async (body: object): Promise<Job> => {
        const content = await send(system.gateway, await token(), { method: 'POST', path: '/v1/exports', body })
        const { id } = JSON.parse(content) as { id: string }
        return eventually(
          async () => {
            const job = JSON.parse(await send(system.gateway, await token(), { path: `/v1/jobs/${id}` })) as Job
            if (job.status !== 'succeeded') throw new Error(`the export is ${job.status}`)
            return job
          },
          { timeoutMs: 300_000, everyMs: 500 },
        )
      }
      const perSecond = ({ result, startedAt, finishedAt }: Job): number =>
        (result.rows * 1000) / (Date.parse(finishedAt) - Date.parse(startedAt))

      const figures: Figure[] = [{ what: 'PostgreSQL COPY TO: rows', value: copied, unit: '/s' }]
      for (const [name, body] of Object.entries({
        CSV: { format: 'csv' },
        'CSV, gzip': { format: 'csv', gzip: true },
        NDJSON: { format: 'ndjson' },
        XLSX: { format: 'xlsx' },
      })) {
        const job = await runExport(body)
        bench.log(`${name.padEnd(34)} ${perSecond(job).toFixed(0)} rows/s, ${(job.result.bytes / 1e6).toFixed(0)} MB`)
        figures.push({ what: `${name}: rows, no other load`, value: perSecond(job), unit: '/s' })
        if (name !== 'CSV') continue
        figures.push({ what: 'COPY TO relative to CSV: rows per second', value: copied / perSecond(job), unit: '×' })
      }

      const memory = watchMemory({
        jobs: () => childPids(system.pid('customer-service')),
        service: () => [system.pid('customer-service')],
        gateway: () => [system.pid('gateway')],
      })
      const [busy, job] = await Promise.all([latency(20), runExport({ format: 'csv' })])
      const file = await download(job.resultUrl, await token())
      memory.stop()
      if (job.result.rows !== exportedRows)
        throw new Error(`the file has ${job.result.rows} rows, expected ${exportedRows}`)
      if (file.bytes !== job.result.bytes)
        throw new Error(`the download has ${file.bytes} bytes, expected ${job.result.bytes}`)
      bench.log(`p99 ${busy.p99.toFixed(1)} ms during an export; worker process ${memory.peak('jobs').toFixed(0)} MB`)
      return [
        ...figures,
        { what: 'CSV: rows, with 50 list requests/s', value: perSecond(job), unit: '/s' },
        { what: 'peak memory of the worker process', value: memory.peak('jobs'), unit: 'MB', target: { atMost: 250 } },
        { what: 'list page: p99 without an export', value: idle.p99, unit: 'ms' },
        { what: 'list page: p99 during an export', value: busy.p99, unit: 'ms' },
        {
          what: 'list page: p99 during an export, relative to without',
          value: busy.p99 / idle.p99,
          unit: '×',
          target: { atMost: 3 },
        },
        { what: 'download through the gateway: MB', value: file.bytes / 1e6 / file.seconds, unit: '/s' },
        { what: 'peak memory of the gateway', value: memory.peak('gateway'), unit: 'MB' },
        { what: 'peak memory of customer-service', value: memory.peak('service'), unit: 'MB' },
      ]
    } finally {
      await system.close()
    }
  },
}
