import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectDb, type Db } from '@clientele/platform/data/db'
import { createApi, created } from '@clientele/platform/http/api'
import { Problem } from '@clientele/platform/runtime/problem'
import { type Client, client } from '@clientele/platform/testing/client'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { z } from 'zod'

const Note = z.object({ id: z.string(), text: z.string() })
let database: TestDatabase
let db: Db
let server: Server
let user: Client
let releaseHandler: (() => void) | undefined

beforeAll(async () => {
  database = await testDatabase({ schema: 'platform_test', migrations: new URL('./migrations/', import.meta.url) })
  db = await connectDb(database.config, 'platform_test')
  const config = testConfig()
  const api = createApi({ service: 'test', title: 'Test', verifier: testVerifier(config), log: testLog(), db, config })
  api.operation(
    {
      method: 'post',
      path: '/v1/notes',
      operationId: 'createNote',
      summary: 'Create a note',
      tag: 'notes',
      roles: ['user'],
      body: z.strictObject({ text: z.string(), details: z.record(z.string(), z.unknown()).optional() }),
      responses: { 201: Note },
    },
    async ({ body }) => {
      const id = await db.transaction(async (tx) => {
        const [row] = await db.query<{ id: number }>('insert into notes (text) values ($1) returning id', [body.text], {
          tx,
        })
        if (body.text === 'slow')
          await new Promise<void>((resolve) => {
            releaseHandler = resolve
          })
        if (body.text === 'rejected') throw new Problem('invalid_state')
        if (body.text === 'too many') throw new Problem('rate_limited')
        if (body.text === 'broken') throw new Error('broken')
        return String(row?.id)
      })
      return created({ id, text: body.text }, `/v1/notes/${id}`)
    },
  )
  server = createServer(api.app()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  user = client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, (await signedInAs('user')).token)
})
afterAll(async () => {
  server.close()
  await db.close()
  await database.drop()
})

const countNotes = async (text: string) =>
  (await db.query<{ n: number }>('select count(*) as n from notes where text = $1', [text]))[0]?.n
const keyHeader = (value: string) => ({ 'idempotency-key': value })

describe('Idempotency-Key', () => {
  it('a repeated request gets the first response and changes nothing', async () => {
    const first = await user.post('/v1/notes', { text: 'once' }, keyHeader('a'))
    const second = await user.post('/v1/notes', { text: 'once' }, keyHeader('a'))
    expect(second.status).toBe(201)
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(await countNotes('once')).toBe(1)
  })

  it('a request with the same key and the same JSON in another order of its keys gets the first response', async () => {
    const headers = { 'idempotency-key': 'order-of-keys' }
    const first = await user.post('/v1/notes', { text: 'ordered', details: { a: 1, b: [{ c: 2, d: 3 }] } }, headers)
    const again = await user.post('/v1/notes', { details: { b: [{ d: 3, c: 2 }], a: 1 }, text: 'ordered' }, headers)
    expect([again.status, again.body]).toEqual([201, first.body])
    const other = await user.post('/v1/notes', { text: 'ordered', details: { a: 1, b: [{ c: 3, d: 2 }] } }, headers)
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } })
  })

  it('a request with the same key and another body gets 422 idempotency_mismatch', async () => {
    await user.post('/v1/notes', { text: 'one' }, keyHeader('b'))
    expect((await user.post('/v1/notes', { text: 'two' }, keyHeader('b'))).body).toMatchObject({
      status: 422,
      code: 'idempotency_mismatch',
    })
    expect(await countNotes('two')).toBe(0)
  })

  it('a repeated request gets 409 while the first is running, and its response afterwards', async () => {
    const first = user.post('/v1/notes', { text: 'slow' }, keyHeader('c'))
    while (!releaseHandler) await new Promise((resolve) => setImmediate(resolve))
    expect((await user.post('/v1/notes', { text: 'slow' }, keyHeader('c'))).body).toMatchObject({
      status: 409,
      code: 'idempotency_running',
    })
    releaseHandler()
    expect((await first).status).toBe(201)
    expect((await user.post('/v1/notes', { text: 'slow' }, keyHeader('c'))).headers.get('idempotency-replayed')).toBe(
      'true',
    )
  })

  it('a 4xx response is replayed, and its change is rolled back', async () => {
    expect((await user.post('/v1/notes', { text: 'rejected' }, keyHeader('d'))).status).toBe(409)
    const again = await user.post(
      '/v1/notes',
      { text: 'rejected' },
      { ...keyHeader('d'), 'x-request-id': 'second-try' },
    )
    expect(again.body).toMatchObject({
      status: 409,
      code: 'invalid_state',
      instance: '/v1/notes',
      requestId: 'second-try',
    })
    expect(again.headers.get('content-type')).toMatch('application/problem+json')
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await countNotes('rejected')).toBe(0)
  })

  it.each([
    ['server error', 500, 'broken'],
    ['429', 429, 'too many'],
  ])('a %s is not replayed', async (_name, status, text) => {
    expect((await user.post('/v1/notes', { text }, keyHeader('e'))).status).toBe(status)
    const again = await user.post('/v1/notes', { text }, keyHeader('e'))
    expect(again.headers.get('idempotency-replayed')).toBeNull()
    expect(await countNotes(text)).toBe(0)
  })

  it('exactly one of twenty concurrent requests with the same key is applied', async () => {
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => user.post('/v1/notes', { text: 'race' }, keyHeader('f'))),
    )
    expect(await countNotes('race')).toBe(1)
    for (const { status } of responses) expect([201, 409]).toContain(status)
  })

  it('an invalid key gets 400', async () => {
    expect((await user.post('/v1/notes', { text: 'x' }, keyHeader('a b'))).body).toMatchObject({
      status: 400,
      code: 'invalid_parameter',
    })
  })
})
