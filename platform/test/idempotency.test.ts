import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { connectDb, type Db } from '@clientele/platform/data/db'
import { createApi, created } from '@clientele/platform/http/api'
import { Problem } from '@clientele/platform/runtime/problem'
import { type Client, client } from '@clientele/platform/testing/client'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { tokenFor } from '@clientele/platform/testing/tokens'
import { z } from 'zod'

const Note = z.object({ id: z.string(), text: z.string() })
let database: TestDatabase
let db: Db
let server: Server
let user: Client
let release: (() => void) | undefined

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
      summary: 'new',
      tag: 'n',
      roles: ['user'],
      body: z.strictObject({ text: z.string() }),
      responses: { 201: Note },
    },
    async ({ body }) => {
      const id = await db.transaction(async (tx) => {
        const [row] = await db.query<{ id: number }>('insert into notes (text) values ($1) returning id', [body.text], {
          tx,
        })
        if (body.text === 'slow')
          await new Promise<void>((resolve) => {
            release = resolve
          })
        if (body.text === 'refused') throw new Problem('invalid_state')
        if (body.text === 'broken') throw new Error('broken')
        return String(row?.id)
      })
      return created({ id, text: body.text }, `/v1/notes/${id}`)
    },
  )
  server = createServer(api.app()).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  user = client(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, (await tokenFor('user')).token)
})
afterAll(async () => {
  server.close()
  await db.close()
  await database.drop()
})

const count = async (text: string) =>
  (await db.query<{ n: number }>('select count(*) as n from notes where text = $1', [text]))[0]?.n
const key = (value: string) => ({ 'idempotency-key': value })

describe('Idempotency-Key', () => {
  it('gives the first answer again and changes nothing twice', async () => {
    const first = await user.post('/v1/notes', { text: 'once' }, key('a'))
    const second = await user.post('/v1/notes', { text: 'once' }, key('a'))
    expect(second.status).toBe(201)
    expect(second.body).toEqual(first.body)
    expect(second.headers.get('location')).toBe(first.headers.get('location'))
    expect(first.headers.get('idempotency-replayed')).toBeNull()
    expect(second.headers.get('idempotency-replayed')).toBe('true')
    expect(await count('once')).toBe(1)
  })

  it('answers 422 idempotency_mismatch to another body', async () => {
    await user.post('/v1/notes', { text: 'one' }, key('b'))
    expect((await user.post('/v1/notes', { text: 'two' }, key('b'))).body).toMatchObject({
      status: 422,
      code: 'idempotency_mismatch',
    })
    expect(await count('two')).toBe(0)
  })

  it('answers 409 while the first is running, then replays it', async () => {
    const first = user.post('/v1/notes', { text: 'slow' }, key('c'))
    while (!release) await new Promise((resolve) => setImmediate(resolve))
    expect((await user.post('/v1/notes', { text: 'slow' }, key('c'))).body).toMatchObject({
      status: 409,
      code: 'idempotency_running',
    })
    release()
    expect((await first).status).toBe(201)
    expect((await user.post('/v1/notes', { text: 'slow' }, key('c'))).headers.get('idempotency-replayed')).toBe('true')
  })

  it('keeps a refusal and rolls its change back', async () => {
    expect((await user.post('/v1/notes', { text: 'refused' }, key('d'))).status).toBe(409)
    const again = await user.post('/v1/notes', { text: 'refused' }, { ...key('d'), 'x-request-id': 'second-try' })
    expect(again.body).toMatchObject({
      status: 409,
      code: 'invalid_state',
      instance: '/v1/notes',
      requestId: 'second-try',
    })
    expect(again.headers.get('content-type')).toMatch('application/problem+json')
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(await count('refused')).toBe(0)
  })

  it('does not keep a fault of ours', async () => {
    expect((await user.post('/v1/notes', { text: 'broken' }, key('e'))).status).toBe(500)
    const again = await user.post('/v1/notes', { text: 'broken' }, key('e'))
    expect(again.headers.get('idempotency-replayed')).toBeNull()
    expect(await count('broken')).toBe(0)
  })

  it('makes one of twenty requests at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 20 }, () => user.post('/v1/notes', { text: 'race' }, key('f'))),
    )
    expect(await count('race')).toBe(1)
    for (const { status } of answers) expect([201, 409]).toContain(status)
  })

  it('answers 400 to a key that is none', async () => {
    expect((await user.post('/v1/notes', { text: 'x' }, key('a b'))).body).toMatchObject({
      status: 400,
      code: 'invalid_parameter',
    })
  })
})
