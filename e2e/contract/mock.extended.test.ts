import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { registry } from '@clientele/contracts/services'
import { client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { freePorts } from '@clientele/stack/profile/ports'
import { mergeOpenApi, readContracts, readOwnDocument } from '../../gateway/src/site/api-documents.ts'
import { installTools } from './tools/tools.ts'

type Operation = { operationId: string; responses: Record<string, unknown>; parameters?: { name: string }[] }
type Document = { paths: Record<string, Record<string, Operation>> }

const folder = mkdtempSync(join(tmpdir(), 'clientele-mock-'))
const contracts = await readContracts(registry.services.map(({ name }) => name))
const document = mergeOpenApi([...contracts, { service: 'gateway', openapi: await readOwnDocument() }], {
  publicUrl: 'http://localhost:8000',
  keycloakIssuer: 'http://localhost:8080/realms/clientele',
}) as Document

let prism: ChildProcess
let url: string
beforeAll(async () => {
  const tools = await installTools()
  const [port = 0] = await freePorts(1)
  url = `http://127.0.0.1:${port}`
  writeFileSync(join(folder, 'openapi.json'), JSON.stringify(document))
  const program = join(tools, 'node_modules', '@stoplight', 'prism-cli', 'dist', 'index.js')
  const args = ['mock', 'openapi.json', '--port', String(port), '--host', '127.0.0.1']
  prism = spawn(process.execPath, [program, ...args], { cwd: folder, stdio: 'ignore' })
  await eventually(async () => expect((await fetch(`${url}/v1/config`)).status).toBe(200), { timeoutMs: 60_000 })
}, 600_000)
afterAll(async () => {
  if (prism?.exitCode === null) {
    const ended = once(prism, 'exit')
    prism.kill('SIGKILL')
    await ended
  }
  rmSync(folder, { recursive: true, force: true })
}, 30_000)

const mock = () => client(url, 'token')

const numbersIn = (value: unknown): number[] => {
  if (typeof value === 'number') return [value]
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(numbersIn) : []
}

// The feed of events has a cursor too, but no end.
const lists = Object.entries(document.paths).flatMap(([path, { get }]) =>
  get?.parameters?.some(({ name }) => name === 'offset') ? [path] : [],
)

describe('A mock of the API by Prism', () => {
  it('the pages of every list end, and their numbers are in a range that a screen can show', async () => {
    expect(lists.length).toBeGreaterThan(8)
    for (const path of lists) {
      let cursor: string | null = ''
      let pages = 0
      while (cursor !== null && pages < 3) {
        const query: string = cursor === '' ? 'limit=20' : `limit=20&cursor=${encodeURIComponent(cursor)}`
        const { status, body } = await mock().get(
          `${path.replace(/\{\w+\}/g, '0190a5c4-6f00-7000-8000-000000000001')}?${query}`,
        )
        expect([path, status]).toEqual([path, 200])
        expect(body.data.length).toBeGreaterThan(0)
        for (const number of numbersIn(body)) expect(number >= 0 && number < 10_000_000).toBe(true)
        cursor = body.page.nextCursor
        pages += 1
      }
      expect([path, cursor]).toEqual([path, null])
    }
  }, 60_000)

  it('an example is accepted and answered by an example, and an invalid body is refused with a problem', async () => {
    const created = await mock().post('/v1/customers', { name: 'Ana', surname: 'Lovelace' })
    expect([created.status, created.body.code]).toEqual([201, 'CUS-000123'])
    const order = await mock().get('/v1/orders/0190a5c4-6f00-7000-8000-000000000001')
    expect([order.status, order.body.total]).toEqual([200, expect.stringMatching(/^\d+\.\d\d$/)])
    const invalid = await mock().post('/v1/customers', { name: 'Ana', colour: 'green' })
    expect([invalid.status, invalid.body.status]).toEqual([422, 422])
  }, 60_000)
})
