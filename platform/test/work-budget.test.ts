import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Page, page } from '@clientele/contracts/page'
import { createApi, ok } from '@clientele/platform/http/api'
import { createBudget } from '@clientele/platform/http/work-budget'
import { client } from '@clientele/platform/testing/client'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { createSignedInUser } from '@clientele/platform/testing/tokens'
import { z } from 'zod'

const Items = z.strictObject({ items: z.array(z.string()) })
const Row = z.object({ id: z.int() })
const listOf = (rows: number): Page<z.infer<typeof Row>> => ({
  data: Array.from({ length: rows }, (_, id) => ({ id })),
  page: { limit: 200, nextCursor: null, prevCursor: null, total: rows, totalRelation: 'eq' },
})
const servers: Server[] = []
afterAll(() => {
  for (const server of servers) server.close()
})

/** Starts an app with these budgets, and returns clients of two new users. */
const start = async (limits: Partial<ReturnType<typeof testConfig>>) => {
  const config = { ...testConfig(), ...limits }
  const api = createApi({ service: 'test', title: 'Test', verifier: testVerifier(config), log: testLog(), config })
  const route = { tag: 'test', summary: 'Test', responses: { 200: z.object({ count: z.int() }) } } as const
  api.operation(
    {
      ...route,
      method: 'post',
      path: '/v1/batch',
      operationId: 'batch',
      roles: ['user'],
      body: Items,
      itemsOf: ({ items }) => items.length,
    },
    async ({ body }) => ok({ count: body.items.length }),
  )
  api.operation(
    { ...route, method: 'post', path: '/v1/open', operationId: 'open', roles: 'public', body: Items },
    async ({ body }) => ok({ count: body.items.length }),
  )
  api.operation(
    {
      ...route,
      method: 'get',
      path: '/v1/rows',
      operationId: 'listRows',
      roles: ['user'],
      responses: { 200: page(Row) },
    },
    async () => ok(listOf(200)),
  )
  api.operation(
    { ...route, method: 'get', path: '/v1/row', operationId: 'getRow', roles: ['user'], responses: { 200: Row } },
    async () => ok({ id: 1 }),
  )
  const server = createServer(api.app()).listen(0, '127.0.0.1')
  servers.push(server)
  await new Promise((resolve) => server.once('listening', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const [user, other] = await Promise.all([createSignedInUser(['user']), createSignedInUser(['user'])])
  return { user: client(url, user.token), other: client(url, other.token), anonymous: client(url) }
}

const body = (items: number, text = 'x') => ({ items: Array.from({ length: items }, () => text) })

describe('Budgets of work', () => {
  it.each([
    ['batches', { batchItemsPerMinute: 150 }, body(100)],
    ['bodies', { bodyBytesPerMinute: 15_000 }, body(1, 'x'.repeat(10_000))],
    ['time', { workMsPerMinute: 0.001 }, body(1_000)],
  ])(
    'a user who has used the budget of %s up gets 429 that names it, and another user does not',
    async (name, limits, sent) => {
      const { user, other } = await start(limits)
      const statuses: number[] = []
      for (let index = 0; index < 2; index += 1) statuses.push((await user.post('/v1/batch', sent)).status)
      const refused = await user.post('/v1/batch', sent)
      expect(statuses[0]).toBe(200)
      expect(refused.body).toMatchObject({
        status: 429,
        code: 'rate_limited',
        detail: expect.stringMatching(`budget of ${name} used up: .* a minute for each user`),
      })
      expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
      expect((await other.post('/v1/batch', sent)).status).toBe(200)
    },
  )

  it('a user whose lists have returned too many rows gets 429, and another user does not', async () => {
    const { user, other } = await start({ rowsPerMinute: 300 })
    for (let index = 0; index < 5; index += 1) expect((await user.get('/v1/row')).status).toBe(200)
    const statuses: number[] = []
    for (let index = 0; index < 2; index += 1) statuses.push((await user.get('/v1/rows')).status)
    expect(statuses).toEqual([200, 200])
    const refused = await user.get('/v1/rows')
    expect(refused.body).toMatchObject({
      status: 429,
      code: 'rate_limited',
      detail: 'budget of lists used up: 300 rows a minute for each user',
    })
    const retryAfter = Number(refused.headers.get('retry-after'))
    expect([retryAfter > 10, retryAfter <= 20]).toEqual([true, true])
    expect((await other.get('/v1/rows')).status).toBe(200)
  })

  it('invalid bodies are charged too, and requests without a token are not', async () => {
    const { user, anonymous } = await start({ workMsPerMinute: 0.001 })
    const invalid = { items: Array(1_000).fill(1) }
    expect((await user.post('/v1/batch', invalid)).status).toBe(422)
    expect((await user.post('/v1/batch', invalid)).status).toBe(429)
    for (let index = 0; index < 3; index += 1) expect((await anonymous.post('/v1/open', body(1_000))).status).toBe(200)
  })
})

describe('createBudget', () => {
  const budgetOf = (windowMs: number) => createBudget({ name: 'tests', unit: 'units', limit: 10, windowMs })
  const refused = expect.objectContaining({ code: 'rate_limited' })

  it('what was used is forgotten with time', async () => {
    const budget = budgetOf(500)
    budget.charge('a', 15)
    expect(() => budget.assertLeft('a')).toThrow(refused)
    await sleep(300)
    expect(() => budget.assertLeft('a')).not.toThrow()
  })

  it('ten thousand further users make the budget forget the user who was charged least recently', () => {
    const budget = budgetOf(60_000)
    budget.charge('first', 15)
    budget.charge('second', 15)
    budget.charge('first', 1)
    for (let index = 0; index < 9_999; index += 1) budget.charge(`user-${index}`, 1)
    expect(() => budget.assertLeft('first')).toThrow(refused)
    expect(() => budget.assertLeft('second')).not.toThrow()
  })
})
