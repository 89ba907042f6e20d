import { randomUUID } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createRemoteJWKSet, type JWTPayload, jwtVerify } from 'jose'
import pg from 'pg'
import { servePeer } from '../peer-process.ts'
import { publishOutbox } from './bare-outbox.ts'

/**
 * A hand-written server for customers on the same tables, with `node:http`, jose and pg. It verifies tokens with the realm's
 * keys, validates bodies with `if`s, writes customer, editor and outbox row in one transaction, and publishes the outbox in the
 * same process; without `broker` it writes no outbox row either. It has no log, metrics, limits, tracing or API documents.
 */
type Config = { database: string; broker?: string; issuer: string; audience: string; port: number }
let pool: pg.Pool
let events: Awaited<ReturnType<typeof publishOutbox>> | undefined
let check: (token: string) => Promise<JWTPayload>

type Row = Record<string, unknown> & { id: string; version: number; deleted_at: Date | null }
type Body = Record<string, unknown>
class HttpError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

const nameColumns = `c.*, coalesce(a.display_name, c.created_by_name) as creator, coalesce(b.display_name, c.updated_by_name) as editor`
const nameJoins = `left join user_names a on a.id = c.created_by left join user_names b on b.id = c.updated_by`

const present = (row: Row) => ({
  id: row.id,
  code: row['code'],
  externalId: row['external_id'],
  name: row['name'],
  surname: row['surname'],
  email: row['email'],
  phone: row['phone'],
  photoMediaId: row['photo_media_id'],
  tags: row['tags'],
  userId: row['user_id'],
  address: row['address'],
  locale: row['locale'],
  smsOptOut: row['sms_opt_out'],
  metadata: row['metadata'],
  createdAt: (row['created_at'] as Date).toISOString(),
  createdBy: { id: row['created_by'], displayName: row['creator'] },
  updatedAt: (row['updated_at'] as Date).toISOString(),
  updatedBy: { id: row['updated_by'], displayName: row['editor'] },
  deletedAt: row.deleted_at,
  version: row.version,
  photoUrl: null,
  photoUrls: null,
})

const actorOf = async (req: IncomingMessage): Promise<JWTPayload & { sub: string; name: string }> => {
  const token = req.headers.authorization?.match(/^Bearer (.+)$/)?.[1]
  if (!token) throw new HttpError(401, 'no token')
  const payload = await check(token).catch(() => {
    throw new HttpError(401, 'bad token')
  })
  const roles = (payload['realm_access'] as { roles?: string[] } | undefined)?.roles ?? []
  if (!roles.includes('user') && !roles.includes('admin')) throw new HttpError(403, 'forbidden')
  return { ...payload, sub: String(payload.sub), name: String(payload['name'] ?? payload.sub) }
}

const readText = (body: Body, field: string, max: number): string | null => {
  const value = body[field]
  if (value === undefined || value === null) return null
  if (typeof value !== 'string' || value.trim() === '' || value.length > max) throw new HttpError(422, field)
  return value.trim()
}

const knownFields = ['name', 'surname', 'email', 'phone', 'externalId', 'tags', 'locale', 'metadata']
const readBody = async (req: IncomingMessage): Promise<Body> => {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk as Buffer)
  const body = JSON.parse(Buffer.concat(chunks).toString('utf8')) as Body
  for (const field of Object.keys(body)) if (!knownFields.includes(field)) throw new HttpError(422, field)
  const email = readText(body, 'email', 254)?.toLowerCase() ?? null
  if (email !== null && !/^[^\s@]+@[^\s@]+\.[^\s@]+$/.test(email)) throw new HttpError(422, 'email')
  return body
}

const toSearchText = (...parts: unknown[]): string =>
  parts
    .filter((part) => part !== null)
    .join(' ')
    .normalize('NFKD')
    .replace(/\p{M}+/gu, '')
    .toLowerCase()

const insert = `insert into customers (id, code, name, surname, email, phone, external_id, tags, locale, metadata, search_text,
  created_at, created_by, created_by_name, updated_at, updated_by, updated_by_name)
  values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $12, $13, $14) returning *, $14 as creator, $14 as editor`
const update = `update customers set name = $2, surname = $3, email = $4, phone = $5, external_id = $6, tags = $7, locale = $8,
  metadata = $9, search_text = $10, updated_at = $11, updated_by = $12, updated_by_name = $13, version = version + 1
  where id = $1 returning *, created_by_name as creator, $13 as editor`
const editor = `insert into customer_editors (customer_id, user_id, user_name, first_at, last_at) values ($1, $2, $3, $4, $4)
  on conflict (customer_id, user_id) do update set last_at = excluded.last_at, edits = customer_editors.edits + 1`
const event = `insert into outbox (part, event_id, type, subject, data) values (0, $1, $2, $3, $4)`

const inTransaction = async <T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> => {
  const client = await pool.connect()
  try {
    await client.query('begin')
    const row = await work(client)
    await client.query('commit')
    return row
  } catch (error) {
    await client.query('rollback')
    throw error
  } finally {
    client.release()
  }
}

const write = async (req: IncomingMessage, id: string | undefined): Promise<Row> => {
  const actor = await actorOf(req)
  const body = await readBody(req)
  const now = new Date()
  const written = await inTransaction(async (client) => {
    let before: Row | undefined
    if (id !== undefined) {
      const found = await client.query<Row>({
        name: 'lock',
        text: 'select * from customers where id = $1 and deleted_at is null for update',
        values: [id],
      })
      before = found.rows[0]
      if (!before) throw new HttpError(404, 'not found')
    }
    const pick = (field: string, column: string, max: number) =>
      field in body ? readText(body, field, max) : ((before?.[column] as string | null | undefined) ?? null)
    const tags = (body['tags'] ?? before?.['tags'] ?? []) as string[]
    const metadata = (body['metadata'] ?? before?.['metadata'] ?? {}) as object
    const fields = [pick('name', 'name', 200), pick('surname', 'surname', 200), pick('email', 'email', 254)]
    const rest = [pick('phone', 'phone', 40), pick('externalId', 'external_id', 100)]
    const code = before
      ? before['code']
      : (await client.query({ name: 'code', text: 'select next_customer_code() as code' })).rows[0].code
    const search = toSearchText(...fields, rest[0], code, rest[1], ...tags)
    const shared = [
      ...fields,
      ...rest,
      tags,
      pick('locale', 'locale', 10),
      metadata,
      search,
      now,
      actor.sub,
      actor.name,
    ]
    const { rows } = before
      ? await client.query<Row>({ name: 'update', text: update, values: [before.id, ...shared] })
      : await client.query<Row>({ name: 'insert', text: insert, values: [randomUUID(), code, ...shared] })
    const row = rows[0]
    if (!row) throw new Error('no row')
    await client.query({ name: 'editor', text: editor, values: [row.id, actor.sub, actor.name, now] })
    if (!events) return row
    const data = JSON.stringify({ ...present(row), actor: { id: actor.sub, displayName: actor.name } })
    const type = before ? 'customer.updated.v1' : 'customer.created.v1'
    await client.query({ name: 'event', text: event, values: [randomUUID(), type, row.id, data] })
    return row
  })
  events?.wake()
  return written
}

const listPage = async (url: URL) => {
  const limit = Number(url.searchParams.get('limit') ?? 50)
  if (!(limit >= 1 && limit <= 200)) throw new HttpError(400, 'limit')
  const offset = Number(url.searchParams.get('offset') ?? 0)
  const cursor = url.searchParams.get('cursor')?.split(',') ?? ['infinity', 'ffffffff-ffff-ffff-ffff-ffffffffffff']
  const q = url.searchParams.get('q')
  const pattern = q === null ? [] : [`%${toSearchText(q).replace(/[\\%_]/g, '\\$&')}%`]
  const condition = (parameter: string) =>
    `c.deleted_at is null${q === null ? '' : ` and c.search_text like ${parameter}`}`
  const [{ rows }, total] = await Promise.all([
    pool.query<Row>({
      name: q === null ? 'page' : 'search',
      text: `select ${nameColumns} from customers c ${nameJoins} where ${condition('$5')} and (c.created_at, c.id) < ($1, $2)
        order by c.created_at desc, c.id desc limit $3 offset $4`,
      values: [cursor[0], cursor[1], limit + 1, offset, ...pattern],
    }),
    pool.query<{ n: number }>({
      name: q === null ? 'count' : 'count-search',
      text: `select count(*)::int as n from (select from customers c where ${condition('$1')} limit 10001) counted`,
      values: pattern,
    }),
  ])
  const kept = rows.slice(0, limit)
  const last = kept.at(-1)
  const next = rows.length > limit && last ? `${(last['created_at'] as Date).toISOString()},${last.id}` : null
  const n = total.rows[0]?.n ?? 0
  return {
    data: kept.map(present),
    page: { limit, nextCursor: next, total: Math.min(n, 10_000), totalRelation: n > 10_000 ? 'gte' : 'eq' },
  }
}

const sendJson = (res: ServerResponse, status: number, body: unknown) => {
  const json = JSON.stringify(body)
  const headers = { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': Buffer.byteLength(json) }
  res.writeHead(status, headers).end(json)
}

const handle = async (req: IncomingMessage, res: ServerResponse): Promise<void> => {
  const url = new URL(req.url ?? '/', 'http://bare')
  const id = /^\/v1\/customers\/([\da-f-]{36})$/.exec(url.pathname)?.[1]
  if (id === undefined && url.pathname !== '/v1/customers') throw new HttpError(404, 'not found')
  if (req.method === 'POST' && id === undefined) return sendJson(res, 201, present(await write(req, undefined)))
  if (req.method === 'PATCH' && id !== undefined) return sendJson(res, 200, present(await write(req, id)))
  await actorOf(req)
  if (id === undefined) return sendJson(res, 200, await listPage(url))
  const text = `select ${nameColumns} from customers c ${nameJoins} where c.id = $1 and c.deleted_at is null`
  const { rows } = await pool.query<Row>({ name: 'get', text, values: [id] })
  if (!rows[0]) throw new HttpError(404, 'not found')
  sendJson(res, 200, present(rows[0]))
}

const listener = (req: IncomingMessage, res: ServerResponse): void => {
  handle(req, res).catch((error: unknown) =>
    sendJson(res, error instanceof HttpError ? error.status : 500, {
      title: error instanceof Error ? error.message : '',
    }),
  )
}

servePeer<Config>(async ({ database, broker, issuer, audience, port }) => {
  pool = new pg.Pool({ connectionString: database, max: 10 })
  if (broker !== undefined) events = await publishOutbox(broker, inTransaction)
  const keys = createRemoteJWKSet(new URL(`${issuer}/protocol/openid-connect/certs`))
  check = async (token) => (await jwtVerify(token, keys, { issuer, audience })).payload
  const server = createServer(listener).listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    end: async () => {
      await events?.end()
      await pool.end()
    },
  }
})
