import { createWriteStream, openAsBlob } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Import } from '@clientele/contracts/imports/import'
import { createSignedInUser, type SignedInUser, signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import { makeWorkbook } from '../../features/test/workbook-files.ts'
import { type BackingServices, startBackingServices } from '../faults/backing-services.ts'
import { runImportCommand } from '../import-command.ts'
import { type System, startSystem } from '../system.ts'
import { killJobProcesses, watchJobMemory } from './job-processes.ts'
import { csvLines, expectedCounts, unexpectedCustomers } from './rows.ts'

// `npm run test:imports` uses a million rows, and its own PostgreSQL and RabbitMQ, which it kills as well.
const rows = Number(process.env['TEST_IMPORT_ROWS'] ?? 20_000)
const kills = Number(process.env['TEST_IMPORT_KILLS'] ?? 2)
const ownServices = process.env['TEST_IMPORT_OWN_PARTS'] === 'true'
const timeoutMs = 60_000 + rows * 2
const maxMb = 250

const unlimited = '10000000'
const settings = {
  gateway: { RATE_LIMIT_USER: unlimited, RATE_LIMIT_ADDRESS: unlimited },
  'customer-service': {
    JOB_LEASE_MS: '2000',
    JOB_POLL_MS: '200',
    IMPORT_EVENTS_PER_SECOND: '5000',
    LOG_LEVEL: 'fatal',
  },
}
const log = (text: string): void => void process.stdout.write(`${text}\n`)

let folder: string
let backing: BackingServices | undefined
let system: System
let person: SignedInUser
let jobs: ReturnType<typeof watchJobMemory>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clientele-imports-'))
  if (ownServices) backing = await startBackingServices()
  system = await startSystem(settings)
  person = await createSignedInUser(['user'])
  jobs = watchJobMemory(() => system.pid('customer-service'))
}, 240_000)
afterAll(async () => {
  jobs?.stop()
  await system?.close()
  await backing?.close()
  if (folder) await rm(folder, { recursive: true })
}, 60_000)

let token: { token: string; at: number } | undefined
const accessToken = async (): Promise<string> => {
  if (!token || Date.now() - token.at > 60_000)
    token = { ...(await signIn(person.username, person.password)), at: Date.now() }
  return token.token
}
const call = async <T>(method: string, path: string, body?: string | Blob, type = 'application/json'): Promise<T> => {
  const headers = { authorization: `Bearer ${await accessToken()}`, ...(body && { 'content-type': type }) }
  const response = await fetch(`${system.gateway}${path}`, { method, headers, ...(body && { body }) })
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}
const waitForImport = (id: string, holds: (made: Import) => boolean): Promise<Import> =>
  eventually(
    async () => {
      const made = await call<Import>('GET', `/v1/imports/${id}`)
      if (made.status === 'failed') return made
      if (!holds(made)) throw new Error(`the import is ${made.status}: ${JSON.stringify(made.counts)}`)
      return made
    },
    { timeoutMs: timeoutMs, everyMs: 100 },
  )
const queryDatabase = async <R extends object>(sql: string): Promise<R[]> => {
  const client = new pg.Client({ connectionString: system.database('customer-service') })
  await client.connect()
  try {
    return (await client.query<R>(sql)).rows
  } finally {
    await client.end()
  }
}

const killReplica = async (round: number): Promise<void> => {
  killJobProcesses(system.pid('customer-service'))
  await system.kill('customer-service')
  const part = round % 2 === 0 ? backing?.servers.postgres : backing?.servers.rabbitmq
  await part?.kill()
  await part?.start()
  await eventually(() => system.start('customer-service'), { timeoutMs: 60_000, everyMs: 500 })
}

const runImport = async (...args: string[]) => runImportCommand(system.gateway, await accessToken(), ...args)

describe('npm run import', () => {
  it('npm run import reads a sheet of a workbook', async () => {
    const path = join(folder, 'customers.xlsx')
    const row = (...cells: string[]) => `<row>${cells.map((cell) => `<c t="str"><v>${cell}</v></c>`).join('')}</row>`
    const people = row('First name', 'Last name', 'E-mail') + row('Zoe', 'Sheet', 'zoe.sheet@example.com')
    const sheets = [
      { name: 'Cover', rows: row('Our customers') },
      { name: 'People', rows: people },
    ]
    await writeFile(path, await makeWorkbook({ sheets }))
    const done = await runImport(path, '--sheet', 'People', '--yes')
    expect(done.output).toContain('xlsx\n  sheet: People (of Cover, People)')
    expect(done).toMatchObject({ code: 0, output: expect.stringContaining('imported 1 row: 1 new') })
    expect((await runImport(path, '--sheet', 'Nobody')).output).toContain(
      'must be a sheet of the workbook: "Cover", "People"',
    )
  })

  it('npm run import imports customers from a JSON file and lists the rows that it rejects', async () => {
    const path = join(folder, 'customers.json')
    const people = [
      {
        _id: { $oid: 'a1' },
        first_name: 'Carly',
        last_name: 'Reed',
        email: 'CARLY@example.com',
        country: 'GB',
        created_at: 1,
      },
      {
        _id: { $oid: 'a2' },
        first_name: 'Tom',
        last_name: 'Hill',
        email: 'tom@example.com',
        phone: '+44 20 7946 0018',
      },
      { _id: { $oid: 'a3' }, first_name: 'Nobody', last_name: '', email: 'nowhere' },
    ]
    await writeFile(path, JSON.stringify(people))
    const dry = await runImport(path)
    expect(dry).toMatchObject({ code: 0, output: expect.stringContaining('nothing was imported') })
    const done = await runImport(path, '--yes')
    expect(done.output).toContain('imported 3 rows: 2 new, 0 changed, 0 skipped, 1 failed')
    expect(done.output).toMatch(/row 3, email: .*\n/)
    expect([done.code, (await runImport(path, '--yes')).code]).toEqual([3, 1])
    expect((await runImport(path, '--yes', '--again')).output).toContain('0 new, 0 changed, 2 skipped, 1 failed')
    expect(await runImport(join(folder, 'missing.csv'))).toMatchObject({ code: 1 })
    const made = await call<{ email: string; externalId: string; address: object }>(
      'GET',
      '/v1/customers/carly@example.com?idBy=email',
    )
    expect(made).toMatchObject({ externalId: 'a1', name: 'Carly', address: { country: 'GB' } })
    await queryDatabase('delete from customers')
  })
})

describe(`An import of ${rows} rows during which customer-service is killed ${kills} times`, () => {
  it(
    'an import whose processes are killed writes every row exactly once, counts correctly and needs less than 250 MB',
    async () => {
      const path = join(folder, 'customers.csv')
      await pipeline(Readable.from(csvLines(rows)), createWriteStream(path))
      const { id } = await call<Import>('POST', '/v1/imports', await openAsBlob(path), 'text/csv')
      const checked = await waitForImport(id, ({ status }) => status === 'checked')
      const expected = expectedCounts(rows)
      expect(checked).toMatchObject({ status: 'checked', total: rows, counts: { read: rows, failed: expected.failed } })
      const startedAt = Date.now()
      await call('POST', `/v1/imports/${id}/commit`, '{}')
      for (let round = 1; round <= kills; round += 1) {
        const least = (rows * round) / (kills + 1)
        const { counts, status } = await waitForImport(id, ({ counts }) => counts.read >= least)
        if (status !== 'importing') break
        await killReplica(round)
        log(`killed after ${counts.read} rows`)
      }
      const { status, counts, error } = await waitForImport(id, ({ status }) => status === 'finished')
      const seconds = (Date.now() - startedAt) / 1_000
      log(`${rows} rows in ${seconds.toFixed(0)} s including restarts; peak memory ${jobs.peak().toFixed(0)} MB`)
      expect({ status, counts, error }).toEqual({ status: 'finished', counts: expected, error: null })
      const [stored] = await queryDatabase(
        'select count(*)::int as n, count(distinct email)::int as people from customers',
      )
      expect(stored).toEqual({ n: expected.created, people: expected.created })
      expect(await queryDatabase(unexpectedCustomers)).toEqual([])
      expect(await queryDatabase('select count(*)::int as n from customer_editors')).toEqual([{ n: expected.created }])
      expect(jobs.peak()).toBeLessThan(maxMb)
      await eventually(
        async () =>
          expect(await queryDatabase('select count(*)::int as n from outbox where returned_at is null')).toEqual([
            { n: 0 },
          ]),
        { timeoutMs: timeoutMs },
      )
    },
    timeoutMs * 3,
  )
})
