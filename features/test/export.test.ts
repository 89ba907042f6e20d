import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type JobRow, jobList } from '@clientele/features/jobs/job.list'
import { createJobTable } from '@clientele/features/jobs/job.store'
import { createJobFiles } from '@clientele/features/jobs/job-files'
import { createWorkerSupervisor, type WorkerSupervisor } from '@clientele/features/jobs/worker-supervisor'
import type { Db } from '@clientele/platform/data/db'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { createThings } from './export.things.ts'
import { killWorker } from './kill-worker.ts'
import { type PlatformDatabase, startDatabase } from './platform-database.ts'
import { collect } from './table-files.ts'

// Set EXPORT_ROWS=1000000 for a test with a million rows.
const rowCount = Number(process.env['EXPORT_ROWS'] ?? 60_000)

let database: PlatformDatabase
let db: Db
beforeAll(async () => {
  database = await startDatabase({ statementTimeoutMs: 120_000 })
  db = database.db
  await createThings(database, db, rowCount)
}, 180_000)
afterAll(() => database?.end())

const supervisors: WorkerSupervisor[] = []
afterEach(async () => {
  await Promise.all(supervisors.splice(0).map((supervisor) => supervisor.stop()))
  await db.query('delete from jobs')
  await db.query('delete from job_files')
})
const startSupervisor = (overrides: object = {}): WorkerSupervisor => {
  const limits = { jobsOpenPerUser: 20, jobFilesPerUser: 20, jobFileBytesPerUser: 1e9, jobFileBytes: 1e9 }
  const jobs = { jobsPerReplica: 2, jobsPerUser: 2, jobLeaseMs: 1_000, jobPollMs: 50, jobKeepHours: 1, ...limits }
  const config = {
    ...database.config,
    logLevel: process.env['TEST_LOG'] ?? 'silent',
    ...jobs,
    exportMaxSeconds: 300,
    ...overrides,
  }
  const program = new URL('./export.process.ts', import.meta.url)
  const supervisor = createWorkerSupervisor({ db, program, config, kinds: ['thing-export'], log: testLog() })
  supervisors.push(supervisor)
  void supervisor.start()
  return supervisor
}

const table = () => createJobTable(db)
const addExport = (input: object = {}): Promise<string> =>
  db.transaction((tx) =>
    table().add(
      {
        kind: 'thing-export',
        owner: { id: 'somebody', displayName: 'Somebody' },
        input: { format: 'ndjson', gzip: false, delimiter: ',', bom: false, ...input },
      },
      tx,
    ),
  )
const getJob = async (id: string): Promise<JobRow> => {
  const { rows } = await jobList.run(db, {}, { where: (bind) => `id = ${bind(id)}` })
  return rows[0] as JobRow
}
const waitForStatus = (id: string, status = 'succeeded'): Promise<JobRow> =>
  eventually(
    async () => {
      const row = await getJob(id)
      expect(row.status).toBe(status)
      return row
    },
    { timeoutMs: 120_000 },
  )
type ExportedRow = { id: number; pot: number; version: number; again: number }
const readResult = async (row: JobRow): Promise<{ bytes: Buffer; rows: ExportedRow[] }> => {
  const bytes = await collect(createJobFiles(db).read(row.resultFile as string))
  return {
    bytes,
    rows: bytes
      .toString()
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  }
}
const countChunks = async (): Promise<number> =>
  (await db.query<{ n: number }>('select count(*)::int as n from job_file_chunks'))[0]?.n ?? 0
const countFiles = async (): Promise<number> =>
  (await db.query<{ n: number }>('select count(*)::int as n from job_files'))[0]?.n ?? 0

/** Transfers units between random pots until `stop` is called. */
const startTransfers = () => {
  let stopped = false
  let count = 0
  const run = async () => {
    while (!stopped) {
      const [from, to] = [1 + Math.floor(Math.random() * rowCount), 1 + Math.floor(Math.random() * rowCount)].sort(
        (a, b) => a - b,
      )
      if (from === to) continue
      await db.transaction(async (tx) => {
        const update = 'update things set pot = pot + $2, version = version + 1 where id = $1'
        await db.query(update, [from, -1], { tx })
        await db.query(update, [to, 1], { tx })
      })
      count += 1
    }
  }
  const running = Promise.all([run(), run(), run()])
  return {
    count: () => count,
    stop: async () => {
      stopped = true
      await running
    },
  }
}

describe('Export jobs', () => {
  it('an export during heavy writes is one snapshot, which contains each transfer completely or not at all', async () => {
    const transfers = startTransfers()
    startSupervisor()
    const id = await addExport()
    await eventually(async () => expect((await getJob(id)).counts['rows']).toBeGreaterThan(0), { everyMs: 5 })
    const before = transfers.count()
    const row = await waitForStatus(id)
    expect(transfers.count()).toBeGreaterThan(before)
    await transfers.stop()
    const { rows, bytes } = await readResult(row)
    const sum = (name: 'pot' | 'version') => rows.reduce((total, each) => total + each[name], 0)
    expect(rows.length).toBe(rowCount)
    expect(sum('pot')).toBe(100 * rowCount)
    // Each transfer changes two versions. A snapshot has both changes or none.
    expect((sum('version') - rowCount) % 2).toBe(0)
    expect(rows.filter(({ version, again }) => again !== version)).toEqual([])
    expect(row.state?.result).toEqual({
      rows: rowCount,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })
    expect(rows.map((each) => each.id)).toEqual(rows.map((_, index) => index + 1))
  }, 180_000)

  it('an export whose process is killed starts over with a new snapshot and deletes its former file', async () => {
    const first = startSupervisor()
    const id = await addExport()
    await eventually(async () => expect((await getJob(id)).counts['rows']).toBeGreaterThan(0), { everyMs: 5 })
    await killWorker(first)
    await db.query(`update things set pot = pot + case id when 1 then 1 else -1 end where id in (1, 2)`)
    const row = await waitForStatus(id)
    expect(row.state).toMatchObject({ starts: 2 })
    const { rows } = await readResult(row)
    const [now] = await db.query<{ pot: number }>('select pot from things where id = 1')
    expect(rows[0]?.pot).toBe(now?.pot)
    expect(rows.length).toBe(rowCount)
    expect(await countFiles()).toBe(1)
  }, 180_000)

  it.each([false, true])(
    'a cancelled export leaves no file (gzip: %s)',
    async (gzip) => {
      startSupervisor()
      const id = await addExport({ gzip })
      await eventually(async () => expect((await getJob(id)).counts['rows']).toBeGreaterThan(0), { everyMs: 5 })
      await table().cancel(id)
      await waitForStatus(id, 'cancelled')
      expect([await countFiles(), await countChunks()]).toEqual([0, 0])
    },
    60_000,
  )

  it('an export that takes longer than exportMaxSeconds fails with the code export_too_long', async () => {
    startSupervisor({ exportMaxSeconds: 0 })
    const row = await waitForStatus(await addExport(), 'failed')
    expect(row.error?.code).toBe('export_too_long')
    expect(await countFiles()).toBe(0)
  }, 60_000)

  it('the memory of the worker process stays below 250 MB with any number of rows', async () => {
    const running = startSupervisor()
    const id = await addExport({ format: 'csv', gzip: true })
    let peakMb = 0
    await eventually(
      async () => {
        const row = await getJob(id)
        if (running.pid()) {
          const status = readFileSync(`/proc/${running.pid()}/status`, 'utf8')
          peakMb = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
        }
        expect(row.status).toBe('succeeded')
      },
      { timeoutMs: 120_000 },
    )
    expect(peakMb).toBeGreaterThan(30)
    expect(peakMb).toBeLessThan(250)
    if (process.env['EXPORT_ROWS']) console.log(`${rowCount} rows: at most ${Math.round(peakMb)} MB`)
  }, 180_000)

  it('an export fails when its owner has stored as much as a user may', async () => {
    startSupervisor({ jobFileBytesPerUser: 1_000_000 })
    const first = await waitForStatus(await addExport())
    expect(first.resultFile).not.toBeNull()
    const second = await waitForStatus(await addExport(), 'failed')
    expect(second.error).toMatchObject({ code: 'quota_exceeded', message: expect.stringContaining('limit: 1000000') })
  }, 60_000)
})
