import { createWriteStream, openAsBlob } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import type { Import } from '@clientele/contracts/import'
import { newPerson, type SignedIn, signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import { type Backing, startBackingParts } from '../faults/backing.ts'
import { importCommand } from '../import-command.ts'
import { type System, startSystem } from '../system.ts'
import { killJobsOf, watchJobs } from './replica.ts'
import { expectedOf, linesOf, strangers } from './rows.ts'

// `npm run test:imports` makes it long: a million rows, and database and broker of its own that are killed, too.
const rows = Number(process.env['TEST_IMPORT_ROWS'] ?? 20_000)
const kills = Number(process.env['TEST_IMPORT_KILLS'] ?? 2)
const ownParts = process.env['TEST_IMPORT_OWN_PARTS'] === 'true'
const patienceMs = 60_000 + rows * 2
const mostMb = 250

const plenty = '10000000'
const settings = {
  gateway: { RATE_LIMIT_USER: plenty, RATE_LIMIT_ADDRESS: plenty },
  'customer-service': {
    JOB_LEASE_MS: '2000',
    JOB_POLL_MS: '200',
    IMPORT_EVENTS_PER_SECOND: '5000',
    LOG_LEVEL: 'fatal',
  },
}
const say = (text: string): void => void process.stdout.write(`${text}\n`)

let folder: string
let backing: Backing | undefined
let system: System
let person: SignedIn
let jobs: ReturnType<typeof watchJobs>
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'clientele-imports-'))
  if (ownParts) backing = await startBackingParts()
  system = await startSystem(settings)
  person = await newPerson(['user'])
  jobs = watchJobs(() => system.pid('customer-service'))
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
  const answer = await fetch(`${system.gateway}${path}`, { method, headers, ...(body && { body }) })
  if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`)
  return (await answer.json()) as T
}
const until = (id: string, holds: (made: Import) => boolean): Promise<Import> =>
  eventually(
    async () => {
      const made = await call<Import>('GET', `/v1/imports/${id}`)
      if (made.status === 'failed') return made
      if (!holds(made)) throw new Error(`the import is ${made.status}: ${JSON.stringify(made.counts)}`)
      return made
    },
    { timeoutMs: patienceMs, everyMs: 100 },
  )
const database = async <R extends object>(sql: string): Promise<R[]> => {
  const client = new pg.Client({ connectionString: system.database('customer-service') })
  await client.connect()
  try {
    return (await client.query<R>(sql)).rows
  } finally {
    await client.end()
  }
}

const fail = async (round: number): Promise<void> => {
  killJobsOf(system.pid('customer-service'))
  await system.kill('customer-service')
  const part = round % 2 === 0 ? backing?.parts.postgres : backing?.parts.rabbitmq
  await part?.kill()
  await part?.start()
  await eventually(() => system.start('customer-service'), { timeoutMs: 60_000, everyMs: 500 })
}

const command = async (...args: string[]) => importCommand(system.gateway, await accessToken(), ...args)

describe('npm run import (S4-18)', () => {
  it('fills the shop from a JSON export, and tells what it did not take', async () => {
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
    const dry = await command(path)
    expect(dry).toMatchObject({ code: 0, output: expect.stringContaining('nothing was imported') })
    const done = await command(path, '--yes')
    expect(done.output).toContain('imported 3 rows: 2 new, 0 changed, 0 skipped, 1 not taken')
    expect(done.output).toMatch(/row 3, email: .*\n/)
    expect([done.code, (await command(path, '--yes')).code]).toEqual([3, 1])
    expect((await command(path, '--yes', '--again')).output).toContain('0 new, 0 changed, 2 skipped, 1 not taken')
    expect(await command(join(folder, 'missing.csv'))).toMatchObject({ code: 1 })
    const made = await call<{ email: string; externalId: string; address: object }>(
      'GET',
      '/v1/customers/carly@example.com?idBy=email',
    )
    expect(made).toMatchObject({ externalId: 'a1', name: 'Carly', address: { country: 'GB' } })
    await database('delete from customers')
  })
})

describe(`an import of ${rows} rows whose replica is killed ${kills} times`, () => {
  it(
    'ends with every row once, exact totals, and the memory of a few of them',
    async () => {
      const path = join(folder, 'customers.csv')
      await pipeline(Readable.from(linesOf(rows)), createWriteStream(path))
      const { id } = await call<Import>('POST', '/v1/imports', await openAsBlob(path), 'text/csv')
      const checked = await until(id, ({ status }) => status === 'checked')
      const expected = expectedOf(rows)
      expect(checked).toMatchObject({ status: 'checked', total: rows, counts: { read: rows, failed: expected.failed } })
      const begun = Date.now()
      await call('POST', `/v1/imports/${id}/commit`, '{}')
      for (let round = 1; round <= kills; round += 1) {
        const least = (rows * round) / (kills + 1)
        const { counts, status } = await until(id, ({ counts }) => counts.read >= least)
        if (status !== 'importing') break
        await fail(round)
        say(`killed after ${counts.read} rows`)
      }
      const { status, counts, error } = await until(id, ({ status }) => status === 'finished')
      const seconds = (Date.now() - begun) / 1_000
      say(`${rows} rows in ${seconds.toFixed(0)} s, kills included; ${jobs.peak().toFixed(0)} MB at most`)
      expect({ status, counts, error }).toEqual({ status: 'finished', counts: expected, error: null })
      const [stored] = await database('select count(*)::int as n, count(distinct email)::int as people from customers')
      expect(stored).toEqual({ n: expected.created, people: expected.created })
      expect(await database(strangers)).toEqual([])
      expect(await database('select count(*)::int as n from customer_editors')).toEqual([{ n: expected.created }])
      expect(jobs.peak()).toBeLessThan(mostMb)
      await eventually(
        async () =>
          expect(await database('select count(*)::int as n from outbox where returned_at is null')).toEqual([{ n: 0 }]),
        { timeoutMs: patienceMs },
      )
    },
    patienceMs * 3,
  )
})
