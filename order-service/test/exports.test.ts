import { createHash, createHmac } from 'node:crypto'
import { gunzipSync } from 'node:zlib'
import { sniffTable } from '@clientele/features/tables/format-detection'
import { readRows } from '@clientele/features/tables/reader'
import { signLink } from '@clientele/platform/http/signed-link'
import { client } from '@clientele/platform/testing/client'
import { newPerson } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { mediaSigningKey } from '../../customer-service/test/start.ts'
import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startOrders({ mediaLinkTtlSeconds: 60 })
}, 60_000)
afterAll(() => service?.stop())

const { placed, product, customer } = orderCalls(() => service)

const ended = (location: string, by = service.user) =>
  eventually(
    async () => {
      const { body } = await by.get(location)
      expect(['queued', 'running']).not.toContain(body.status)
      return body
    },
    { timeoutMs: 25_000 },
  )
const exported = async (what: 'product' | 'order', body: object) => {
  const answer = await service.user.post(`/v1/${what}-exports`, body)
  expect([answer.status, answer.body.status]).toEqual([202, 'queued'])
  const job = await ended(answer.headers.get('location') as string)
  expect(job).toMatchObject({ status: 'succeeded', kind: `${what}-export`, progress: 1 })
  const response = await fetch(new URL(job.resultUrl, service.url))
  return { job, headers: response.headers, bytes: Buffer.from(await response.arrayBuffer()) }
}
const textOf = async (what: 'product' | 'order', body: object) => (await exported(what, body)).bytes.toString()
const rowsOf = async (bytes: Buffer): Promise<Record<string, unknown>[]> => {
  const found: Record<string, unknown>[] = []
  async function* source() {
    yield bytes
  }
  for await (const rows of readRows(source(), sniffTable(bytes, true).format))
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
    for (const [at, name] of names.entries()) products.push(await product({ name, sku: `${mark}-${at}`, stock: at }))
    await product({ name: 'Another' })
  })
  const filter = { 'sku[startsWith]': mark, sort: 'sku' }

  it('gives what the list shows with the same filter, chosen fields in their order, as CSV that can be read again', async () => {
    const { bytes, job } = await exported('product', { filter, fields })
    expect(bytes.toString()).toBe(
      [
        'name,sku,price,stock',
        `"'=HYPERLINK(""http://x"")",${mark}-0,2.20,0`,
        `'+254711000111,${mark}-1,2.20,1`,
        `"a ""b"", c;d",${mark}-2,2.20,2`,
        `Größe 😀,${mark}-3,2.20,3`,
        `'quoted',${mark}-4,2.20,4`,
        '',
      ].join('\r\n'),
    )
    expect((await rowsOf(bytes)).map(({ name }) => name)).toEqual(names)
    expect(job.counts).toEqual({ rows: 5 })
  })

  it('gives the same as JSON and NDJSON, with every field where none is chosen', async () => {
    const json = JSON.parse(await textOf('product', { filter, format: 'json' }))
    const { photoUrl: _link, ...first } = (await service.user.get(`/v1/products/${products[0]?.id}`)).body
    expect(json[0]).toEqual(first)
    const lines = (await textOf('product', { filter, format: 'ndjson' })).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toEqual(json)
    expect(json.map(({ name }: { name: string }) => name)).toEqual(names)
  })

  it('has the number of rows, the length and the SHA-256 of the file, compressed or not', async () => {
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

  it('writes for spreadsheets: other delimiters, a mark, and a person as two columns', async () => {
    const text = await textOf('product', { filter, fields: ['sku', 'createdBy'], delimiter: ';', bom: true })
    expect(text.split('\r\n')[0]).toBe('\uFEFFsku;createdBy.displayName;createdBy.id')
    const { createdBy } = (await service.user.get(`/v1/products/${products[0]?.id}`)).body
    expect(text.split('\r\n')[1]).toBe(`${mark}-0;${createdBy.displayName};${createdBy.id}`)
  })

  it('understands me, as lists do', async () => {
    const own = await textOf('product', { filter: { ...filter, createdBy: 'me' }, fields: ['sku'] })
    expect(own.split('\r\n').length).toBe(7)
  })

  it('of nothing is a file without rows', async () => {
    expect(await textOf('product', { filter: { sku: 'no-such' }, fields: ['sku'] })).toBe('sku\r\n')
  })

  it.each([
    [{ filter: { colour: 'red' } }, '/filter/colour', 'unknown_parameter'],
    [{ filter: { limit: '5' } }, '/filter/limit', 'unknown_parameter'],
    [{ filter: { 'price[lte]': 'x' } }, '/filter/price[lte]', 'invalid_parameter'],
    [{ filter: { sort: 'colour' } }, '/filter/sort', 'invalid_parameter'],
    [{ filter: { name: 5 } }, '/filter/name', 'invalid_type'],
    [{ fields: ['colour'] }, '/fields/0', 'invalid_value'],
    [{ fields: ['sku', 'sku'] }, '/fields', 'custom'],
    [{ fields: [] }, '/fields', 'too_small'],
    [{ format: 'xlsx' }, '/format', 'invalid_value'],
    [{ colour: 1 }, '/colour', 'unknown_field'],
  ])('answers 422 to %j', async (body, pointer, code) => {
    const answer = await service.user.post('/v1/product-exports', body)
    expect([answer.status, answer.body.errors?.[0]]).toEqual([422, expect.objectContaining({ pointer, code })])
  })
})

describe('the file of an export', () => {
  it('is there for its owner, for admins and by its link, and for nobody else', async () => {
    const { job } = await exported('product', { filter: { sku: 'none' }, fields: ['sku'] })
    const path = `/v1/order-jobs/${job.id}/result`
    const stranger = client(service.url, (await newPerson(['user'])).token)
    expect((await stranger.get(path)).status).toBe(404)
    expect((await stranger.get(`/v1/order-jobs/${job.id}`)).status).toBe(404)
    expect((await client(service.url).get(path)).status).toBe(401)
    expect((await service.admin.get(path)).status).toBe(200)
    expect((await service.user.get(path)).body).toBe('sku\r\n')
    const altered = job.resultUrl.replace(/signature=./, 'signature=_')
    expect((await client(service.url).get(altered)).status).toBe(403)
  })

  it('is not there by a link that has expired', async () => {
    const { job } = await exported('product', { filter: { sku: 'none' }, fields: ['sku'] })
    const key = createHmac('sha256', mediaSigningKey).update('files of jobs').digest('base64url')
    const link = (now: number) => signLink(`/v1/order-jobs/${job.id}/result`, { key, ttlSeconds: 60, now })
    expect((await client(service.url).get(link(Date.now()))).status).toBe(200)
    expect((await client(service.url).get(link(Date.now() - 3_600_000))).status).toBe(403)
  })

  it('goes with its job', async () => {
    const { job } = await exported('product', { filter: { sku: 'none' } })
    expect((await service.user.delete(`/v1/order-jobs/${job.id}`)).status).toBe(204)
    expect((await client(service.url).get(job.resultUrl)).status).toBe(404)
  })
})

describe('POST /v1/order-exports', () => {
  it('gives orders with their lines as the API shows them', async () => {
    const customerId = await customer()
    const goods = await product({ stock: 10, price: '2.20' })
    const lines = [
      { productId: goods.id, quantity: 2 },
      { description: 'wrapping', unitPrice: '0.5' },
    ]
    const order = await placed(lines, { customerId })
    const [json] = JSON.parse(await textOf('order', { filter: { customerId }, format: 'json' }))
    expect(json).toEqual((await service.user.get(`/v1/orders/${order.id}`)).body)
    const filter = { productId: goods.id, customerId, placedAt: order.placedAt }
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
