import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { client } from '@clientele/platform/testing/client'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { type System, startSystem } from '../system.ts'
import { runTool } from './tools/tools.ts'

const folder = mkdtempSync(join(tmpdir(), 'clientele-postman-'))

let system: System
beforeAll(async () => {
  system = await startSystem()
  const { body } = await client(system.gateway).get('/postman.json')
  writeFileSync(join(folder, 'postman.json'), JSON.stringify(body))
}, 600_000)
afterAll(async () => {
  await system?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

type Execution = {
  item: { name: string }
  request: { header: { key: string; value: string }[] }
  response: { code: number; status: string }
}

/** Sends requests of the collection, in its order, with Postman's own runner. */
const send = async (names: string[], iterations = 1): Promise<Execution[]> => {
  const { username, password } = await createSignedInUser(['user'])
  const result = join(folder, 'result.json')
  const variables = [`username=${username}`, `password=${password}`].flatMap((each) => ['--env-var', each])
  const requests = ['Sign in with a password', ...names].flatMap((name) => ['--folder', name])
  await runTool(
    'newman/bin/newman.js',
    [
      ...['run', 'postman.json', ...variables, ...requests, '--iteration-count', String(iterations)],
      ...['--reporters', 'json', '--reporter-json-export', result, '--timeout', '60000'],
    ],
    folder,
  )
  const { run } = JSON.parse(readFileSync(result, 'utf8')) as { run: { executions: Execution[] } }
  return run.executions
}

const codesOf = (executions: Execution[]): Record<string, number[]> => {
  const codes: Record<string, number[]> = {}
  for (const { item, response } of executions) codes[item.name] = [...(codes[item.name] ?? []), response.code]
  return codes
}

it('the Postman collection signs in, and its requests succeed as they stand, with the token and with the ids of what they created', async () => {
  const executions = await send([
    'Get your own profile',
    'List customers, newest first',
    'Create a customer',
    'Get a customer',
    'Update a customer',
    'Create a product',
    'Get a product',
    'Place an order',
    'Get an order',
    'Cancel a placed order',
    'Create an export of customers',
  ])
  expect(codesOf(executions)).toEqual({
    'Sign in with a password': [200],
    'Get your own profile': [200],
    'List customers, newest first': [200],
    'Create a customer': [201],
    'Get a customer': [200],
    'Update a customer': [200],
    'Create a product': [201],
    'Get a product': [200],
    'Place an order': [201],
    'Get an order': [200],
    'Cancel a placed order': [200],
    'Create an export of customers': [202],
  })
}, 180_000)

it('each request of the Postman collection has an Idempotency-Key of its own, so that none returns the response of another', async () => {
  const executions = await send(['Place an order'], 2)
  expect(codesOf(executions)['Place an order']).toEqual([201, 201])
  const keys = executions.flatMap(({ request }) =>
    request.header.filter(({ key }) => key === 'Idempotency-Key').map(({ value }) => value),
  )
  expect(new Set(keys).size).toBe(2)
  for (const key of keys) expect(key).toMatch(/^[0-9a-f-]{36}$/)
}, 180_000)
