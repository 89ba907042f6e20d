import { startSystem } from '@clientele/e2e/system'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import { asAdmin } from '../backends.ts'
import { send } from '../drive.ts'
import { load } from '../load.ts'
import { childrenOf, watchMemory } from '../memory.ts'
import type { Bench, Figure, Part } from '../part.ts'
import { newSession } from '../session.ts'
import { seedCustomers } from './customers-seed.ts'

const rows = 1_000_000
/** One in fifty is in the trash. */
const exportedRows = rows * 0.98
const plenty = '10000000'
const limits = { RATE_LIMIT_USER: plenty, RATE_LIMIT_ADDRESS: plenty }
const rate = 50

type Job = {
  status: string
  resultUrl: string
  result: { rows: number; bytes: number }
  startedAt: string
  finishedAt: string
}

/** Seconds that PostgreSQL takes to write the same columns by itself. */
const copySeconds = async (databaseUrl: string): Promise<number> => {
  const client = new pg.Client({ connectionString: asAdmin(databaseUrl) })
  await client.connect()
  const from = performance.now()
  await client.query(`copy (select id, code, external_id, name, surname, email, phone, tags, address, locale, sms_opt_out,
    metadata, user_id, photo_media_id, created_at, created_by_name, created_by, updated_at, updated_by_name, updated_by,
    deleted_at, version from customers.customers where deleted_at is null order by id) to '/dev/null' with (format csv, header)`)
  await client.end()
  return (performance.now() - from) / 1000
}

const downloaded = async (url: string): Promise<{ bytes: number; seconds: number }> => {
  const from = performance.now()
  const answer = await fetch(url)
  let bytes = 0
  for await (const chunk of answer.body ?? []) bytes += chunk.length
  return { bytes, seconds: (performance.now() - from) / 1000 }
}

/** Customers as files, beside PostgreSQL's own COPY, with the API in use meanwhile. */
export const exports: Part = {
  name: 'exports',
  about:
    "980,000 of a million customers as files with all fields (the others are in the trash): rows a second from the start of the job to its end, the memory of the process of jobs, and the latency of a list page at 50 requests a second meanwhile. Beside it PostgreSQL's own `COPY TO` of the same columns into `/dev/null` as the limit.",
  run: async (bench: Bench) => {
    const token = await newSession()
    const system = await startSystem(
      { gateway: limits, 'customer-service': { JOB_POLL_MS: '200' } },
      { logFile: '/dev/null' },
    )
    try {
      await seedCustomers(system.database('customer-service'), rows)
      bench.say(`${rows} customers seeded`)
      const latency = async (seconds: number) => {
        const headers = { authorization: `Bearer ${await token()}` }
        return load({ url: `${system.gateway}/v1/customers?limit=20`, seconds, rate, headers })
      }
      await latency(5)
      const idle = await latency(15)
      const copied = exportedRows / (await copySeconds(system.database('customer-service')))
      bench.say(`idle p99 ${idle.p99.toFixed(1)} ms; COPY ${copied.toFixed(0)} rows/s`)

      const exported = async (body: object): Promise<Job> => {
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

      const figures: Figure[] = [{ what: "PostgreSQL's COPY TO: rows", value: copied, unit: '/s' }]
      for (const [name, body] of Object.entries({
        CSV: { format: 'csv' },
        'CSV, gzip': { format: 'csv', gzip: true },
        NDJSON: { format: 'ndjson' },
      })) {
        const job = await exported(body)
        bench.say(`${name.padEnd(34)} ${perSecond(job).toFixed(0)} rows/s, ${(job.result.bytes / 1e6).toFixed(0)} MB`)
        figures.push({ what: `${name}: rows, nothing else going on`, value: perSecond(job), unit: '/s' })
        if (name !== 'CSV') continue
        figures.push({ what: 'COPY TO against CSV: rows a second', value: copied / perSecond(job), unit: '×' })
      }

      const memory = watchMemory({
        jobs: () => childrenOf(system.pid('customer-service')),
        service: () => [system.pid('customer-service')],
        gateway: () => [system.pid('gateway')],
      })
      const [busy, job] = await Promise.all([latency(20), exported({ format: 'csv' })])
      const file = await downloaded(job.resultUrl)
      memory.stop()
      if (job.result.rows !== exportedRows)
        throw new Error(`${job.result.rows} of ${exportedRows} rows are in the file`)
      if (file.bytes !== job.result.bytes) throw new Error(`${file.bytes} of ${job.result.bytes} bytes came`)
      bench.say(`p99 ${busy.p99.toFixed(1)} ms beside an export; process of jobs ${memory.peak('jobs').toFixed(0)} MB`)
      return [
        ...figures,
        { what: 'CSV: rows, beside 50 requests a second', value: perSecond(job), unit: '/s' },
        { what: 'process of jobs, at most', value: memory.peak('jobs'), unit: 'MB', target: { atMost: 250 } },
        { what: 'list page: p99 without an export', value: idle.p99, unit: 'ms' },
        { what: 'list page: p99 during one', value: busy.p99, unit: 'ms' },
        {
          what: 'list page: p99 during one against without',
          value: busy.p99 / idle.p99,
          unit: '×',
          target: { atMost: 3 },
        },
        { what: 'download through the gateway: MB a second', value: file.bytes / 1e6 / file.seconds, unit: '/s' },
        { what: 'gateway, at most', value: memory.peak('gateway'), unit: 'MB' },
        { what: 'customer-service, at most', value: memory.peak('service'), unit: 'MB' },
      ]
    } finally {
      await system.close()
    }
  },
}
