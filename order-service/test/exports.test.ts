import { createHash } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { detectTable } from '@clientele/features/tables/format-detection'
import { readRows } from '@clientele/features/tables/reader'
import { client } from '@clientele/platform/testing/client'
import { createSignedInUser, signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { userEvent } from '../../features/test/user-event.ts'
import { readMember, readSheetRows } from '../../features/test/workbook-files.ts'
import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders()
}, 60_000)
afterAll(() => service?.stop())

const { createOrder, createProduct, createCustomer } = orderCalls(() => service)

const ended = (location: string, by = service.user) =>
  eventually(
    async () => {
      const { body } = await by.get(location)
      expect(['queued', 'running']).not.toContain(body.status)
      return body
    },
    { timeoutMs: 25_000 },
  )
const linkTo = async (id: string, by = service.user): Promise<string> => {
  const { status, body } = await by.post(`/v1/order-jobs/${id}/result-link`)
  expect(status).toBe(201)
  return body.url
}
const exported = async (what: 'product' | 'order', body: object) => {
  const created = await service.user.post(`/v1/${what}-exports`, body)
  expect([created.status, created.body.status]).toEqual([202, 'queued'])
  const job = await ended(created.headers.get('location') as string)
  expect(job).toMatchObject({ status: 'succeeded', kind: `${what}-export`, progress: 1 })
  const response = await fetch(new URL(await linkTo(job.id), service.url))
  return { job, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}
const textOf = async (what: 'product' | 'order', body: object) => (await exported(what, body)).bytes.toString()
const rowsOf = async (bytes: Buffer): Promise<Record<string, unknown>[]> => {
  const found: Record<string, unknown>[] = []
  async function* source() {
    yield bytes
  }
  for await (const rows of readRows(source(), detectTable(bytes, true).format))
    found.push(...rows.map(({ values }) => ({ ...values })))
  return found
}

describe('POST /v1/product-exports', () => {
  const names = ['=HYPERLINK("http://x")', '+254711000111', 'a "b", c;d', 'Größe 😀', "'quoted'"]
  const mark = `mark-${process.pid}`
  const fields = ['name', 'sku', 'price', 'stock']
  let products: { id: string; name: string; sku: string; price: string; stock: number }[]
  beforeAll(async () => {
    products = []
    for (const [at, name] of names.entries())
      products.push(await createProduct({ name, sku: `${mark}-${at}`, stock: at }))
    await createProduct({ name: 'Another' })
  })
  const filter = { 'sku[startsWith]': mark, sort: 'sku' }

  it('a CSV export contains the rows of the list with the chosen fields in order, and can be read again', async () => {
    const { bytes, job } = await exported('product', { filter, fields })
    expect(bytes.toString()).toBe(
      [
        '"name","sku","price","stock"',
        `"'=HYPERLINK(""http://x"")","${mark}-0","2.20",0`,
        `"'+254711000111","${mark}-1","2.20",1`,
        `"a ""b"", c;d","${mark}-2","2.20",2`,
        `"Größe 😀","${mark}-3","2.20",3`,
        `"'quoted'","${mark}-4","2.20",4`,
        '',
      ].join('\r\n'),
    )
    expect((await rowsOf(bytes)).map(({ name }) => name)).toEqual(names)
    expect(job.counts).toEqual({ rows: 5 })
  })

  it('exports as JSON and NDJSON contain the same rows, with every field if none is chosen', async () => {
    const json = JSON.parse(await textOf('product', { filter, format: 'json' }))
    const {
      photoUrl: _link,
      photoUrls: _links,
      ...first
    } = (await service.user.get(`/v1/products/${products[0]?.id}`)).body
    expect(json[0]).toEqual(first)
    const lines = (await textOf('product', { filter, format: 'ndjson' })).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(json)
    expect(json.map(({ name }: { name: string }) => name)).toEqual(names)
  })

  it('an export reports the number of rows, the length and the SHA-256 of its file, compressed or not', async () => {
    for (const gzip of [false, true]) {
      const { bytes, job, headers } = await exported('product', { filter, fields, gzip })
      const sha256 = createHash('sha256').update(bytes).digest()
      expect(job.result).toEqual({ rows: 5, bytes: bytes.length, sha256: sha256.toString('hex') })
      expect(headers.get('repr-digest')).toBe(`sha-256=:${sha256.toString('base64')}:`)
      expect(headers.get('x-row-count')).toBe('5')
      expect(headers.get('content-disposition')).toMatch(gzip ? /\.csv\.gz"$/ : /\.csv"$/)
      expect((gzip ? gunzipSync(bytes) : bytes).toString()).toContain(`${mark}-4`)
    }
  })

  it('a workbook has prices and stocks as numbers, and changes nothing when it is imported', async () => {
    const { bytes, headers } = await exported('product', { filter, fields: ['id', ...fields], format: 'xlsx' })
    expect(headers.get('content-disposition')).toMatch(/\.xlsx"$/)
    const rows = await readSheetRows(bytes)
    expect(rows.map(({ name, price, stock }) => [name, price, stock])).toEqual(
      names.map((name, at) => [name, '2.20', String(at)]),
    )
    const sheet = await readMember(bytes, 'xl/worksheets/sheet1.xml')
    expect(sheet).toMatch(/<c r="D2" s="5"><v>2\.20<\/v><\/c><c r="E2"><v>0<\/v><\/c>/)
    const sent = await service.user.post('/v1/product-imports?matchBy=id', bytes, {
      'content-type': String(headers.get('content-type')),
    })
    expect(sent.status).toBe(202)
    const checked = await eventually(async () => {
      const { body } = await service.user.get(`/v1/product-imports/${sent.body.id}`)
      expect(body.status).toBe('checked')
      return body
    })
    expect(checked).toMatchObject({ format: 'xlsx', sheet: 'products', counts: { read: 5, skipped: 5 } })
  })

  it('a CSV export can have another delimiter and a byte order mark, and writes an actor as two columns', async () => {
    const text = await textOf('product', { filter, fields: ['sku', 'createdBy'], delimiter: ';', bom: true })
    expect(text.split('\r\n')[0]).toBe('\uFEFF"sku";"createdBy.displayName";"createdBy.id"')
    const { createdBy } = (await service.user.get(`/v1/products/${products[0]?.id}`)).body
    expect(text.split('\r\n')[1]).toBe(`"${mark}-0";"${createdBy.displayName}";"${createdBy.id}"`)
  })

  it('a filter of an export accepts createdBy=me, as lists do', async () => {
    const own = await textOf('product', { filter: { ...filter, createdBy: 'me' }, fields: ['sku'] })
    expect(own.split('\r\n').length).toBe(7)
  })

  it('a filter of an export has booleans, numbers and arrays, or texts as in a URL', async () => {
    const typed = { ...filter, active: true, 'price[gte]': 0, sort: ['-price', 'sku'] }
    const texts = { ...filter, active: 'true', 'price[gte]': '0', sort: '-price,sku' }
    const [a, b] = await Promise.all([typed, texts].map((each) => textOf('product', { filter: each, fields: ['sku'] })))
    expect(a).toBe(b)
    expect(a?.split('\r\n').length).toBe(7)
  })

  it('an export without matching rows is a file with only a header', async () => {
    expect(await textOf('product', { filter: { sku: 'no-such' }, fields: ['sku'] })).toBe('"sku"\r\n')
  })

  it.each([
    [{ filter: { colour: 'red' } }, '/filter/colour', 'unknown_parameter'],
    [{ filter: { limit: '5' } }, '/filter/limit', 'unknown_parameter'],
    [{ filter: { 'price[lte]': 'x' } }, '/filter/price[lte]', 'invalid_parameter'],
    [{ filter: { sort: 'colour' } }, '/filter/sort', 'invalid_parameter'],
    [{ filter: { name: {} } }, '/filter/name', 'invalid_parameter'],
    [{ filter: { sort: [] } }, '/filter/sort', 'invalid_parameter'],
    [{ fields: ['colour'] }, '/fields/0', 'invalid_value'],
    [{ fields: ['sku', 'sku'] }, '/fields', 'custom'],
    [{ fields: [] }, '/fields', 'too_small'],
    [{ format: 'xml' }, '/format', 'invalid_value'],
    [{ colour: 1 }, '/colour', 'unknown_field'],
  ])('POST returns 422 for the body %j', async (body, pointer, code) => {
    const rejected = await service.user.post('/v1/product-exports', body)
    expect([rejected.status, rejected.body.errors?.[0]]).toEqual([422, expect.objectContaining({ pointer, code })])
  })
})

describe('The file of an export', () => {
  it('the file of an export is available to its owner, to admins and by its link, and to nobody else', async () => {
    const { job } = await exported('product', { filter: { sku: 'none' }, fields: ['sku'] })
    const path = `/v1/order-jobs/${job.id}/result`
    const stranger = client(service.url, (await createSignedInUser(['user'])).token)
    expect((await stranger.get(path)).status).toBe(404)
    expect((await stranger.get(`/v1/order-jobs/${job.id}`)).status).toBe(404)
    expect((await client(service.url).get(path)).status).toBe(401)
    expect((await service.admin.get(path)).status).toBe(200)
    expect((await service.user.get(path)).body).toBe('"sku"\r\n')
    expect(job.resultUrl).toBe(path)
    expect((await stranger.post(`${path}-link`)).status).toBe(404)
    expect((await client(service.url).post(`${path}-link`)).status).toBe(401)
    const link = await linkTo(job.id)
    expect(link.startsWith(`${path}?link=`)).toBe(true)
    expect((await client(service.url).get(link)).body).toBe('"sku"\r\n')
    expect((await client(service.url).get(link.replace(/link=_?./, 'link=_'))).status).toBe(403)
    expect((await service.user.post(`/v1/order-jobs/${job.id}/errors-link`)).status).toBe(404)
  })

  it('a link works for five minutes, a user has at most 100, and only hashes of them are stored', async () => {
    const { job } = await exported('product', { filter: { sku: 'none' }, fields: ['sku'] })
    const asked = Date.now()
    const { body } = await service.user.post(`/v1/order-jobs/${job.id}/result-link`)
    const lifetime = Date.parse(body.expiresAt) - asked
    expect(lifetime).toBeGreaterThan(299_000)
    expect(lifetime).toBeLessThan(330_000)
    const statusOf = async (link: string) => (await client(service.url).get(link)).status
    expect(await statusOf(body.url)).toBe(200)
    const secret = body.url.split('link=')[1]
    const stored = await service.db.query<{ row: string }>('select job_links::text as row from job_links')
    expect(JSON.stringify(stored)).not.toContain(secret)
    await service.db.query("update job_links set expires_at = clock_timestamp() - interval '1 second'")
    expect(await statusOf(body.url)).toBe(403)
    for (let count = 0; count < 101; count += 1) await linkTo(job.id)
    expect(await service.db.query('select from job_links')).toHaveLength(100)
  })

  it('a link stops working when its user signs out, loses the role user, or is no longer an admin', async () => {
    const { id: userId } = await signedInAs('user')
    const { id: adminId } = await signedInAs('admin')
    const { job } = await exported('product', { filter: { sku: 'none' }, fields: ['sku'] })
    const publish = (type: string, id: string, fields: object) =>
      service.broker.publish(userEvent(type, id, { ...fields }))
    const refused = (link: string) =>
      eventually(async () => expect((await client(service.url).get(link)).status).toBe(403))
    const [first, ofAdmin] = [await linkTo(job.id), await linkTo(job.id, service.admin)]
    await publish('user.signed_out.v1', userId, { version: 1 })
    await refused(first)
    const second = await linkTo(job.id)
    await publish('user.role_revoked.v1', userId, { version: 2, roles: [], role: 'user' })
    await refused(second)
    expect((await client(service.url).get(ofAdmin)).status).toBe(200)
    await publish('user.role_revoked.v1', adminId, { version: 2, roles: ['user'], role: 'admin' })
    await refused(ofAdmin)
    await publish('user.role_granted.v1', userId, { version: 3, role: 'user' })
    await publish('user.role_granted.v1', adminId, { version: 3, roles: ['user', 'admin'], role: 'admin' })
    await eventually(async () => expect((await client(service.url).get(await linkTo(job.id))).status).toBe(200))
  })

  it('the file of an export is deleted with its job', async () => {
    const { job } = await exported('product', { filter: { sku: 'none' } })
    const link = await linkTo(job.id)
    expect((await service.user.delete(`/v1/order-jobs/${job.id}`)).status).toBe(204)
    expect((await client(service.url).get(link)).status).toBe(403)
    expect((await service.user.get(job.resultUrl)).status).toBe(404)
  })
})

describe('POST /v1/order-exports', () => {
  it('an export of orders contains the orders with their lines as the API returns them', async () => {
    const customerId = await createCustomer()
    const orderedProduct = await createProduct({ stock: 10, price: '2.20' })
    const lines = [
      { productId: orderedProduct.id, quantity: 2 },
      { description: 'wrapping', unitPrice: '0.5' },
    ]
    const order = await createOrder(lines, { customerId })
    // The process that exports may show the name of a user for some seconds after a change.
    const json = await eventually(
      async () => {
        const [exportedOrder] = JSON.parse(await textOf('order', { filter: { customerId }, format: 'json' }))
        expect(exportedOrder).toEqual((await service.user.get(`/v1/orders/${order.id}`)).body)
        return exportedOrder
      },
      { timeoutMs: 15_000, everyMs: 500 },
    )
    const filter = { productId: orderedProduct.id, customerId, placedAt: order.placedAt }
    expect(JSON.parse(await textOf('order', { filter, format: 'json' }))).toEqual([json])
    const [row] = await rowsOf(
      (await exported('order', { filter: { customerId }, fields: ['number', 'lines', 'total'] })).bytes,
    )
    expect({ ...row, lines: JSON.parse(row?.lines as string) }).toEqual({
      number: order.number,
      lines: order.lines,
      total: order.total,
    })
  })
})
