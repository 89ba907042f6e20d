import { type Client, client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import pg from 'pg'
import { downloadExport, waitForJob } from '../download-export.ts'
import { type System, startSystem } from '../system.ts'

const rows = 40_000

let system: System
let user: Client
beforeAll(async () => {
  system = await startSystem({ 'customer-service': { JOB_LEASE_MS: '1000', JOB_POLL_MS: '100' } })
  user = client(system.gateway, (await signedInAs('user')).token)
  const database = new pg.Client({ connectionString: system.database('customer-service') })
  await database.connect()
  await database.query(
    `insert into customers (id, code, name, surname, email, tags, metadata, sms_opt_out, search_text, created_at, created_by,
      created_by_name, updated_at, updated_by, updated_by_name, version)
     select ('01900000-0000-7000-8000-' || lpad(to_hex(n), 12, '0'))::uuid, 'CUS-' || (900000 + n), 'Ana', 'Export ' || n,
      'export-' || n || '@example.com', '{}', '{}', false, 'ana export', now(), 'a', 'A', now(), 'a', 'A', 1
     from generate_series(1, $1) as n`,
    [rows],
  )
  await database.end()
}, 120_000)
afterAll(() => system?.close())

describe('Exports through the gateway', () => {
  it('an export completes with every row exactly once although its service is killed', async () => {
    const { headers, status } = await user.post('/v1/exports', { format: 'ndjson' })
    expect(status).toBe(202)
    const location = headers.get('location') as string
    await eventually(async () => expect((await user.get(location)).body.counts.rows).toBeGreaterThan(0), { everyMs: 5 })
    await system.kill('customer-service')
    await system.start('customer-service')
    const done = await waitForJob(user, location)
    expect(done.result?.rows).toBe(rows)
    const file = await downloadExport(user, done)
    const ids = new Set(
      file
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).id),
    )
    expect(ids.size).toBe(rows)
  }, 120_000)
})
