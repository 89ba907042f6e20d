import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { type JobRow, jobList } from '@clientele/features/jobs/job.list'
import { createJobTable } from '@clientele/features/jobs/job.store'
import { createJobFiles } from '@clientele/features/jobs/job-files'
import { createJobHost, type JobHost } from '@clientele/features/jobs/worker-host'
import { connectDb, type Db } from '@clientele/platform/data/db'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import { createThings } from './export.things.ts'
import { collect } from './table-files.ts'

// A million with EXPORT_ROWS=1000000: the short form shows the same, that memory does not follow the number of rows.
const many = Number(process.env['EXPORT_ROWS'] ?? 60_000)
const schema = 'platform_test'

let database: TestDatabase
let db: Db
beforeAll(async () => {
  database = await testDatabase({ schema, migrations: new URL('../../platform/test/migrations/', import.meta.url) })
  db = await connectDb({ ...database.config, statementTimeoutMs: 120_000 }, schema)
  await createThings(db, many)
}, 180_000)
afterAll(async () => {
  await db?.close()
  await database?.drop()
})

const hosts: JobHost[] = []
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()))
  await db.query('delete from jobs')
  await db.query('delete from job_files')
})
const host = (more: object = {}): JobHost => {
  const jobs = { jobsPerReplica: 2, jobsPerUser: 2, jobLeaseMs: 1_000, jobPollMs: 50, jobKeepHours: 1 }
  const config = {
    ...database.config,
    logLevel: process.env['TEST_LOG'] ?? 'silent',
    ...jobs,
    exportMaxSeconds: 300,
    ...more,
  }
  const program = new URL('./export.process.ts', import.meta.url)
  const made = createJobHost({ db, program, config, kinds: ['thing-export'], log: testLog() })
  hosts.push(made)
  void made.start()
  return made
}

const table = () => createJobTable(db)
const start = (input: object = {}): Promise<string> =>
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
const job = async (id: string): Promise<JobRow> => {
  const { rows } = await jobList.run(db, {}, { where: (bind) => `id = ${bind(id)}` })
  return rows[0] as JobRow
}
const ended = (id: string, status = 'succeeded'): Promise<JobRow> =>
  eventually(
    async () => {
      const row = await job(id)
      expect(row.status).toBe(status)
      return row
    },
    { timeoutMs: 120_000 },
  )
type Written = { id: number; pot: number; version: number; again: number }
const contentOf = async (row: JobRow): Promise<{ bytes: Buffer; rows: Written[] }> => {
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
const chunks = async (): Promise<number> =>
  (await db.query<{ n: number }>('select count(*)::int as n from job_file_chunks'))[0]?.n ?? 0
const files = async (): Promise<number> =>
  (await db.query<{ n: number }>('select count(*)::int as n from job_files'))[0]?.n ?? 0

/** Moves something from one pot to another, again and again, until `stop`. */
const moving = () => {
  let stopped = false
  let moves = 0
  const run = async () => {
    while (!stopped) {
      const [from, to] = [1 + Math.floor(Math.random() * many), 1 + Math.floor(Math.random() * many)].sort(
        (a, b) => a - b,
      )
      if (from === to) continue
      await db.transaction(async (tx) => {
        const move = 'update things set pot = pot + $2, version = version + 1 where id = $1'
        await db.query(move, [from, -1], { tx })
        await db.query(move, [to, 1], { tx })
      })
      moves += 1
    }
  }
  const running = Promise.all([run(), run(), run()])
  return {
    moves: () => moves,
    stop: async () => {
      stopped = true
      await running
    },
  }
}

describe('an export', () => {
  it('beside heavy writes is one snapshot: nothing that was moved is in it twice or missing', async () => {
    const writes = moving()
    host()
    const id = await start()
    await eventually(async () => expect((await job(id)).counts['rows']).toBeGreaterThan(0), { everyMs: 5 })
    const before = writes.moves()
    const row = await ended(id)
    expect(writes.moves()).toBeGreaterThan(before)
    await writes.stop()
    const { rows, bytes } = await contentOf(row)
    const sum = (name: 'pot' | 'version') => rows.reduce((total, each) => total + each[name], 0)
    expect(rows.length).toBe(many)
    expect(sum('pot')).toBe(100 * many)
    // Each move changed two versions, and both or none are in it.
    expect((sum('version') - many) % 2).toBe(0)
    expect(rows.filter(({ version, again }) => again !== version)).toEqual([])
    expect(row.state?.result).toEqual({
      rows: many,
      bytes: bytes.length,
      sha256: createHash('sha256').update(bytes).digest('hex'),
    })
    expect(rows.map((each) => each.id)).toEqual(rows.map((_, index) => index + 1))
  }, 180_000)

  it('that is killed starts over with a new snapshot, and what it had written goes', async () => {
    const first = host()
    const id = await start()
    await eventually(async () => expect((await job(id)).counts['rows']).toBeGreaterThan(0), { everyMs: 5 })
    process.kill(first.pid() ?? 0, 'SIGKILL')
    await db.query(`update things set pot = pot + case id when 1 then 1 else -1 end where id in (1, 2)`)
    const row = await ended(id)
    expect(row.state).toMatchObject({ starts: 2 })
    const { rows } = await contentOf(row)
    const [now] = await db.query<{ pot: number }>('select pot from things where id = 1')
    expect(rows[0]?.pot).toBe(now?.pot)
    expect(rows.length).toBe(many)
    expect(await files()).toBe(1)
  }, 180_000)

  it.each([false, true])(
    'that is cancelled leaves no file (gzip: %s)',
    async (gzip) => {
      host()
      const id = await start({ gzip })
      await eventually(async () => expect((await job(id)).counts['rows']).toBeGreaterThan(0), { everyMs: 5 })
      await table().cancel(id)
      await ended(id, 'cancelled')
      expect([await files(), await chunks()]).toEqual([0, 0])
    },
    60_000,
  )

  it('that takes too long fails and says so: a long snapshot keeps PostgreSQL from cleaning up', async () => {
    host({ exportMaxSeconds: 0 })
    const row = await ended(await start(), 'failed')
    expect(row.error?.code).toBe('export_too_long')
    expect(await files()).toBe(0)
  }, 60_000)

  it('stays small, however many rows there are', async () => {
    const running = host()
    const id = await start({ format: 'csv', gzip: true })
    let highest = 0
    await eventually(
      async () => {
        const row = await job(id)
        if (running.pid()) {
          const status = readFileSync(`/proc/${running.pid()}/status`, 'utf8')
          highest = Number(/VmHWM:\s+(\d+)/.exec(status)?.[1] ?? 0) / 1024
        }
        expect(row.status).toBe('succeeded')
      },
      { timeoutMs: 120_000 },
    )
    expect(highest).toBeGreaterThan(30)
    expect(highest).toBeLessThan(250)
    if (process.env['EXPORT_ROWS']) console.log(`${many} rows: at most ${Math.round(highest)} MB`)
  }, 180_000)
})
