import type { Tap } from '@clientele/platform/testing/broker'
import { eventually } from '@clientele/platform/testing/wait'
import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
let tap: Tap
beforeAll(async () => {
  service = await startOrders()
  tap = await service.broker.tap()
}, 60_000)
afterAll(() => service?.stop())

const { placed, product, stockOf, movements } = orderCalls(() => service)

const checked = async (file: string | object[], query: Record<string, string> = {}, by = service.user) => {
  const isText = typeof file === 'string'
  const { status, body } = await by.post(
    `/v1/product-imports?${new URLSearchParams(query)}`,
    isText ? file : JSON.stringify(file),
    { 'content-type': isText ? 'text/csv' : 'application/json' },
  )
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
  return eventually(async () => {
    const made = (await by.get(`/v1/product-imports/${body.id}`)).body
    expect(made.status).not.toBe('checking')
    return made
  })
}
const done = async (id: string, what: 'commit' | 'undo', by = service.user) => {
  const { status, body } = await by.post(`/v1/product-imports/${id}/${what}`, what === 'commit' ? {} : undefined)
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
  return eventually(async () => {
    const job = (await by.get(`/v1/order-jobs/${body.id}`)).body
    expect(['succeeded', 'failed']).toContain(job.status)
    return job
  })
}
const imported = async (file: string | object[], query: Record<string, string> = {}) => {
  const { id } = await checked(file, query)
  await done(id, 'commit')
  return (await service.user.get(`/v1/product-imports/${id}`)).body
}
const bySku = async (sku: string) => (await service.user.get(`/v1/products/${sku}?idBy=sku`)).body
let count = 0
const aSku = () => `IMP-${process.pid}-${++count}`

describe('imports of products (S3-01)', () => {
  it('make products as POST does: stock is a movement, and everything is told by an event', async () => {
    const [one, two] = [aSku(), aSku()]
    const made = await imported(
      `Artikelnummer;Bezeichnung;Preis;Bestand;aktiv\n${one};Kaffee;4.50;12;ja\n${two};Tee;3;;nein\n`,
    )
    expect(made).toMatchObject({
      status: 'finished',
      counts: { read: 2, created: 2, updated: 0, skipped: 0, failed: 0 },
    })
    const coffee = await bySku(one)
    expect(coffee).toMatchObject({
      name: 'Kaffee',
      price: '4.50',
      currency: 'EUR',
      stock: 12,
      active: true,
      version: 1,
    })
    expect(await bySku(two)).toMatchObject({ stock: 0, active: false, version: 1 })
    expect(await movements(coffee.id)).toEqual([
      expect.objectContaining({ delta: 12, kind: 'initial', reason: 'import' }),
    ])
    expect((await tap.next('product.created.v1', coffee.id)).data).toMatchObject({ sku: one, stock: 12, version: 1 })
    expect((await tap.next('product.stock_changed.v1', coffee.id)).data).toMatchObject({ stock: 12, version: 1 })
    expect(
      (await service.user.get('/v1/products?q=kaffee')).body.data.map(({ sku }: { sku: string }) => sku),
    ).toContain(one)
  })

  it('POST /v1/product-imports understands yes and no in many languages, and names the words when it does not', async () => {
    const yes = ['sim', 'yes', 'JA', 'oui', 'sí', 'sì', 'tak', 'да', 'evet', 'ndiyo', 'x']
    const no = ['não', 'no', 'nein', 'NON', 'nee', 'nie', 'нет', 'hayır', 'hapana', 'na\u0303o']
    const articles = [...yes, ...no, 'talvez'].map((word) => ({ word, sku: aSku() }))
    const lines = articles.map(({ word, sku }) => `${sku};Kaffee;1;${word}`)
    const made = await imported(['Artikelnummer;Bezeichnung;Preis;aktiv', ...lines].join('\n'))
    expect(made.errors).toEqual([
      {
        row: articles.length + 1,
        pointer: '/active',
        code: 'invalid_type',
        message: expect.stringMatching(/^must be yes \(.*\bsim\b.*\) or no \(.*\bnein\b.*\)$/),
      },
    ])
    expect(made.counts).toMatchObject({ created: yes.length + no.length, failed: 1 })
    for (const { word, sku } of articles.slice(0, -1))
      expect([word, (await bySku(sku)).active]).toEqual([word, yes.includes(word)])
  })

  it('change products as PATCH does, and their stock by a movement', async () => {
    const there = await product({ stock: 10, price: '2.00', name: 'Before' })
    const made = await imported([{ sku: there.sku, price: 2.5, stock: 7 }, { sku: aSku() }])
    expect(made.counts).toEqual({ read: 2, created: 0, updated: 1, skipped: 0, failed: 1 })
    expect(await bySku(there.sku)).toMatchObject({ name: 'Before', price: '2.50', stock: 7, version: 3 })
    expect((await movements(there.id))[0]).toMatchObject({ delta: -3, kind: 'manual', reason: 'import' })
    expect(made.errors).toContainEqual(expect.objectContaining({ row: 2, pointer: '/name', code: 'required' }))
  })

  it('tell in a dry run what would become of the rows, and change nothing', async () => {
    const there = await product({ price: '2.00' })
    const sku = aSku()
    const rows = [
      { sku: there.sku, price: '2.00' },
      { sku: there.sku, price: '1.00' },
      { sku, name: 'New', price: '1' },
      { sku, name: 'New', price: '2' },
      { name: 'Half a cent', price: '1.005' },
      { name: 'Debt', price: '1', stock: -1 },
    ]
    const dry = await checked(rows)
    expect(dry.counts).toEqual({ read: 6, created: 1, updated: 2, skipped: 1, failed: 2 })
    expect(dry.errors.map(({ row, pointer }: { row: number; pointer: string }) => [row, pointer])).toEqual([
      [5, '/price'],
      [6, '/stock'],
    ])
    expect((await bySku(there.sku)).version).toBe(there.version)
    expect((await service.user.get(`/v1/products/${sku}?idBy=sku`)).status).toBe(404)
    await done(dry.id, 'commit')
    expect(await bySku(sku)).toMatchObject({ price: '2.00', version: 2 })
    expect((await bySku(there.sku)).price).toBe('1.00')
  })

  it.each([
    ['skip', { skipped: 1, failed: 0 }],
    ['fail', { skipped: 0, failed: 1 }],
  ])('leave what is there where onMatch is %s', async (onMatch, counts) => {
    const there = await product()
    expect((await imported([{ sku: there.sku, name: 'Other', price: '9' }], { onMatch })).counts).toMatchObject(counts)
    expect((await bySku(there.sku)).version).toBe(1)
  })

  it('match by id, and refuse a sku that another product has', async () => {
    const [one, other] = [await product(), await product()]
    const rows = [
      { id: one.id, name: 'Renamed' },
      { id: one.id, sku: other.sku },
      { id: '0190a5c4-6f00-7000-8000-000000000001', name: 'Nobody', price: '1' },
    ]
    const made = await imported(rows, { matchBy: 'id' })
    expect(made.counts).toMatchObject({ updated: 1, failed: 2 })
    expect(made.errors.map(({ code }: { code: string }) => code)).toEqual(['taken', 'no_match'])
    expect((await bySku(one.sku)).name).toBe('Renamed')
  })

  it('are taken back, but for what was ordered or changed since', async () => {
    const there = await product({ stock: 10, price: '2.00' })
    const [made, ordered] = [aSku(), aSku()]
    const { id } = await imported([
      { sku: there.sku, price: '5', stock: 4 },
      { sku: made, name: 'Made', price: '1', stock: 3 },
      { sku: ordered, name: 'Ordered', price: '1', stock: 3 },
    ])
    await placed([{ productId: (await bySku(ordered)).id, quantity: 1 }])
    expect(await done(id, 'undo')).toMatchObject({ status: 'succeeded', errorsUrl: expect.any(String) })
    expect(await bySku(there.sku)).toMatchObject({ price: '2.00', stock: 10 })
    expect((await movements(there.id)).map(({ delta }) => delta)).toEqual([6, -6, 10])
    expect((await service.user.get(`/v1/products/${made}?idBy=sku`)).status).toBe(404)
    expect(await stockOf((await bySku(ordered)).id)).toBe(2)
    const file = await service.user.get((await service.user.get(`/v1/product-imports/${id}`)).body.errorsUrl)
    expect(JSON.stringify(file.body)).toContain('changed, ordered or restocked since')
  })

  it('of a thousand rows beside orders for the same products keep the ledger equal to the stock', async () => {
    const goods = await Promise.all(Array.from({ length: 8 }, () => product({ stock: 1_000, price: '1' })))
    let stopped = false
    let orders = 0
    const buying = (async () => {
      while (!stopped) {
        await placed(goods.toReversed().map(({ id }) => ({ productId: id, quantity: 1 })))
        orders += 1
      }
    })()
    const rows = Array.from({ length: 1_000 }, (_, at) => ({ sku: goods[at % 8]?.sku, price: `${1 + (at % 50)}` }))
    const made = await imported(rows)
    stopped = true
    await buying
    expect(orders).toBeGreaterThan(0)
    expect(made.counts.updated + made.counts.skipped).toBe(1_000)
    for (const { id } of goods) {
      const [{ sum } = { sum: 0 }] = await service.db.query<{ sum: number }>(
        'select sum(delta)::int as sum from stock_movements where product_id = $1',
        [id],
      )
      expect([await stockOf(id), sum]).toEqual([1_000 - orders, 1_000 - orders])
    }
  })

  it('of two people at once end as if one had come after the other', async () => {
    const skus = Array.from({ length: 800 }, aSku)
    const rows = skus.map((sku) => ({ sku, name: 'Twice', price: '1', stock: 5 }))
    const turned = rows.toReversed().map((row) => ({ ...row, stock: 9 }))
    const [first, second] = await Promise.all([checked(rows), checked(turned, {}, service.admin)])
    const jobs = await Promise.all([done(first.id, 'commit'), done(second.id, 'commit', service.admin)])
    expect(jobs.map(({ status }) => status)).toEqual(['succeeded', 'succeeded'])
    for (const { counts } of jobs) expect(counts).toMatchObject({ read: 800, skipped: 0, failed: 0 })
    expect(jobs[0].counts.created + jobs[1].counts.created).toBe(800)
    const stored = await service.db.query(
      `select stock, count(*)::int as products, bool_and(stock = moved) as "isWhole" from products
         join lateral (select sum(delta) as moved from stock_movements where product_id = products.id) as moves on true
       where sku = any($1) group by stock`,
      [skus],
    )
    const [{ stock } = { stock: 0 }] = stored as { stock: number }[]
    expect([5, 9]).toContain(stock)
    expect(stored).toEqual([{ stock, products: 800, isWhole: true }])
  })

  it('take an export back in, and nothing changes', async () => {
    const mark = aSku()
    await product({ sku: `${mark}-a`, name: '+254 coffee' })
    await product({ sku: `${mark}-b`, name: '=tea', description: 'two\nlines' })
    const { body } = await service.user.post('/v1/product-exports', {
      filter: { 'sku[startsWith]': mark },
      fields: ['sku', 'name', 'description', 'price', 'currency', 'stock', 'active'],
    })
    const job = await eventually(async () => {
      const job = (await service.user.get(`/v1/order-jobs/${body.id}`)).body
      expect(job.status).toBe('succeeded')
      return job
    })
    const file = await (await fetch(new URL(job.resultUrl, service.url))).text()
    expect((await imported(file)).counts).toEqual({ read: 2, created: 0, updated: 0, skipped: 2, failed: 0 })
  })
})
