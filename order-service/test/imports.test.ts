import type { EventSubscription } from '@clientele/platform/testing/broker'
import { eventually } from '@clientele/platform/testing/wait'
import { orderCalls } from './order-calls.ts'
import { type Running, startOrders } from './start.ts'

let service: Running
let tap: EventSubscription
beforeAll(async () => {
  service = await startOrders()
  tap = await service.broker.subscribe()
}, 60_000)
afterAll(() => service?.stop())

const { createOrder, createProduct, stockOf, movements } = orderCalls(() => service)

const checkImport = async (file: string | object[], query: Record<string, string> = {}, by = service.user) => {
  const isText = typeof file === 'string'
  const { status, body } = await by.post(
    `/v1/product-imports?${new URLSearchParams(query)}`,
    isText ? file : JSON.stringify(file),
    { 'content-type': isText ? 'text/csv' : 'application/json' },
  )
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
  return eventually(async () => {
    const found = (await by.get(`/v1/product-imports/${body.id}`)).body
    expect(found.status).not.toBe('checking')
    return found
  })
}
const runJob = async (id: string, what: 'commit' | 'undo', by = service.user) => {
  const { status, body } = await by.post(`/v1/product-imports/${id}/${what}`, what === 'commit' ? {} : undefined)
  if (status !== 202) throw new Error(`${status} ${JSON.stringify(body)}`)
  return eventually(async () => {
    const job = (await by.get(`/v1/order-jobs/${body.id}`)).body
    expect(['succeeded', 'failed']).toContain(job.status)
    return job
  })
}
const importRows = async (file: string | object[], query: Record<string, string> = {}) => {
  const { id } = await checkImport(file, query)
  await runJob(id, 'commit')
  return (await service.user.get(`/v1/product-imports/${id}`)).body
}
const productBySku = async (sku: string) => (await service.user.get(`/v1/products/${sku}?idBy=sku`)).body
let count = 0
const aSku = () => `IMP-${process.pid}-${++count}`

describe('Product imports', () => {
  it('contacts are no products', async () => {
    const contacts = 'BEGIN:VCARD\nFN:Ana\nEND:VCARD\n'
    const { status, body } = await service.user.post('/v1/product-imports', contacts, { 'content-type': 'text/plain' })
    const message = 'the file is a list of contacts; send a table'
    expect([status, body.errors]).toEqual([422, [{ pointer: '/file', code: 'unknown_format', message }]])
  })

  it('an import creates products as POST does: with a stock movement and events', async () => {
    const [one, two] = [aSku(), aSku()]
    const result = await importRows(
      `Artikelnummer;Bezeichnung;Preis;Bestand;aktiv\n${one};Kaffee;4.50;12;ja\n${two};Tee;3;;nein\n`,
    )
    expect(result).toMatchObject({
      status: 'finished',
      counts: { read: 2, created: 2, updated: 0, skipped: 0, failed: 0 },
    })
    const coffee = await productBySku(one)
    expect(coffee).toMatchObject({
      name: 'Kaffee',
      price: '4.50',
      currency: 'EUR',
      stock: 12,
      active: true,
      version: 1,
    })
    expect(await productBySku(two)).toMatchObject({ stock: 0, active: false, version: 1 })
    expect(await movements(coffee.id)).toEqual([
      expect.objectContaining({ delta: 12, kind: 'initial', reason: 'import' }),
    ])
    expect((await tap.next('product.created.v1', coffee.id)).data).toMatchObject({ sku: one, stock: 12, version: 1 })
    expect((await tap.next('product.stock_changed.v1', coffee.id)).data).toMatchObject({ stock: 12, version: 1 })
    expect(
      (await service.user.get('/v1/products?q=kaffee')).body.data.map(({ sku }: { sku: string }) => sku),
    ).toContain(one)
  })

  it('an import reads yes and no in many languages, and its error lists the accepted words', async () => {
    const yes = ['sim', 'yes', 'JA', 'oui', 'sí', 'sì', 'tak', 'да', 'evet', 'ndiyo', 'x']
    const no = ['não', 'no', 'nein', 'NON', 'nee', 'nie', 'нет', 'hayır', 'hapana', 'na\u0303o']
    const articles = [...yes, ...no, 'talvez'].map((word) => ({ word, sku: aSku() }))
    const lines = articles.map(({ word, sku }) => `${sku};Kaffee;1;${word}`)
    const result = await importRows(['Artikelnummer;Bezeichnung;Preis;aktiv', ...lines].join('\n'))
    expect(result.errors).toEqual([
      {
        row: articles.length + 1,
        pointer: '/active',
        code: 'invalid_type',
        message: expect.stringMatching(/^aktiv must be yes \(.*\bsim\b.*\) or no \(.*\bnein\b.*\)$/),
      },
    ])
    expect(result.counts).toMatchObject({ created: yes.length + no.length, failed: 1 })
    for (const { word, sku } of articles.slice(0, -1))
      expect([word, (await productBySku(sku)).active]).toEqual([word, yes.includes(word)])
  })

  it('an import changes products as PATCH does, and their stock by a movement', async () => {
    const existing = await createProduct({ stock: 10, price: '2.00', name: 'Before' })
    const result = await importRows([{ sku: existing.sku, price: 2.5, stock: 7 }, { sku: aSku() }])
    expect(result.counts).toEqual({ read: 2, created: 0, updated: 1, skipped: 0, failed: 1 })
    expect(await productBySku(existing.sku)).toMatchObject({ name: 'Before', price: '2.50', stock: 7, version: 3 })
    expect((await movements(existing.id))[0]).toMatchObject({ delta: -3, kind: 'manual', reason: 'import' })
    expect(result.errors).toContainEqual(expect.objectContaining({ row: 2, pointer: '/name', code: 'required' }))
  })

  it('a dry run reports what each row would do, and changes nothing', async () => {
    const existing = await createProduct({ price: '2.00' })
    const sku = aSku()
    const rows = [
      { sku: existing.sku, price: '2.00' },
      { sku: existing.sku, price: '1.00' },
      { sku, name: 'New', price: '1' },
      { sku, name: 'New', price: '2' },
      { name: 'Half a cent', price: '1.005' },
      { name: 'Debt', price: '1', stock: -1 },
    ]
    const dry = await checkImport(rows)
    expect(dry.counts).toEqual({ read: 6, created: 1, updated: 2, skipped: 1, failed: 2 })
    expect(dry.errors.map(({ row, pointer }: { row: number; pointer: string }) => [row, pointer])).toEqual([
      [5, '/price'],
      [6, '/stock'],
    ])
    expect((await productBySku(existing.sku)).version).toBe(existing.version)
    expect((await service.user.get(`/v1/products/${sku}?idBy=sku`)).status).toBe(404)
    await runJob(dry.id, 'commit')
    expect(await productBySku(sku)).toMatchObject({ price: '2.00', version: 2 })
    expect((await productBySku(existing.sku)).price).toBe('1.00')
  })

  it.each([
    ['skip', { skipped: 1, failed: 0 }],
    ['fail', { skipped: 0, failed: 1 }],
  ])('an import with onMatch=%s leaves existing products unchanged', async (onMatch, counts) => {
    const existing = await createProduct()
    expect((await importRows([{ sku: existing.sku, name: 'Other', price: '9' }], { onMatch })).counts).toMatchObject(
      counts,
    )
    expect((await productBySku(existing.sku)).version).toBe(1)
  })

  it('an import can match by id, and refuses a SKU that another product has', async () => {
    const [one, other] = [await createProduct(), await createProduct()]
    const rows = [
      { id: one.id, name: 'Renamed' },
      { id: one.id, sku: other.sku },
      { id: '0190a5c4-6f00-7000-8000-000000000001', name: 'Nobody', price: '1' },
    ]
    const result = await importRows(rows, { matchBy: 'id' })
    expect(result.counts).toMatchObject({ updated: 1, failed: 2 })
    expect(result.errors.map(({ code }: { code: string }) => code)).toEqual(['taken', 'no_match'])
    expect((await productBySku(one.sku)).name).toBe('Renamed')
  })

  it('an export with a corrected SKU changes the product, because its ids are ours', async () => {
    const [one, other] = [await createProduct(), await createProduct()]
    const moved = aSku()
    const dry = await checkImport(`id,sku,name\n${one.id},${moved},Renamed\n`)
    expect(dry).toMatchObject({ matchBy: 'id', counts: { updated: 1, created: 0 } })
    await runJob(dry.id, 'commit')
    expect(await productBySku(moved)).toMatchObject({ id: one.id, name: 'Renamed' })
    const rows = [
      { id: one.id, sku: other.sku, name: 'Both', price: '1' },
      { id: one.id, sku: aSku(), name: 'Moved', price: '1' },
      { id: one.id, sku: moved, name: 'Right', price: '1' },
    ]
    const result = await importRows(rows, { matchBy: 'sku' })
    expect(result.counts).toMatchObject({ created: 0, updated: 1, failed: 2 })
    expect(result.errors.map(({ row, pointer, code }: Record<string, unknown>) => [row, pointer, code])).toEqual([
      [1, '/id', 'id_conflict'],
      [2, '/id', 'id_conflict'],
    ])
    const foreign = await checkImport(`Product ID,SKU,Name,Price\n7210448309101,${aSku()},Tea,1\n`)
    expect(foreign).toMatchObject({ matchBy: 'sku', counts: { created: 1 } })
  })

  it('a price list with decimal commas is read under decimal=comma, and warned of without it', async () => {
    const skus = Array.from({ length: 6 }, aSku)
    const prices = ['1,50', '1.234,50', '1 234,50', "1'234,50", '€ 2,50', '3 EUR']
    const lines = prices.map((price, at) => `${skus[at]};Tee;${price};EUR;1.000`)
    const file = ['SKU;Name;Price;Currency;Stock', ...lines].join('\n')
    const dry = await checkImport(file)
    expect(dry).toMatchObject({ decimal: 'point', counts: { created: 0, failed: 6 } })
    expect(dry.warnings).toEqual([
      {
        code: 'decimal_comma',
        column: 'Price',
        message: 'Price has values with a decimal comma, such as 1,50; set `decimal` to `comma`',
      },
      {
        code: 'decimal_comma',
        column: 'Stock',
        message:
          'Stock has values such as 1.000, whose point is read as the decimal mark; if it separates thousands, set `decimal` to `comma`',
      },
    ])
    expect(dry.errors[0]).toEqual({
      row: 2,
      pointer: '/price',
      code: 'decimal_mark',
      message: 'Price is 1,50, but the decimal mark is a point; write 1.50, or set `decimal` to `comma`',
    })
    expect((await service.user.patch(`/v1/product-imports/${dry.id}`, { decimal: 'comma' })).status).toBe(202)
    const mended = await eventually(async () => {
      const found = (await service.user.get(`/v1/product-imports/${dry.id}`)).body
      expect(found.status).toBe('checked')
      return found
    })
    expect(mended).toMatchObject({ decimal: 'comma', warnings: [], counts: { created: 6, failed: 0 } })
    await runJob(dry.id, 'commit')
    const found = await Promise.all(skus.map(productBySku))
    expect(found.map(({ price, currency, stock }) => [price, currency, stock])).toEqual(
      ['1.50', '1234.50', '1234.50', '1234.50', '2.50', '3.00'].map((price) => [price, 'EUR', 1_000]),
    )
  })

  it('a currency beside a price must be that of the row or of the shop', async () => {
    const dollars = await createProduct({ price: '1', currency: 'USD' })
    const rows = [
      { sku: aSku(), name: 'Shop', price: '€1,234.50' },
      { sku: aSku(), name: 'Row', price: 'US$ 5', currency: 'usd' },
      { sku: aSku(), name: 'Dollar', price: '$5', currency: 'AUD' },
      { sku: aSku(), name: 'Other', price: '$ 5' },
      { sku: aSku(), name: 'Wrong', price: '5 EUR', currency: 'USD' },
      { sku: aSku(), name: 'Text', price: 'from 5' },
      { sku: dollars.sku, name: 'Euros now', price: '€ 2' },
    ]
    const result = await importRows(rows)
    expect(result.counts).toMatchObject({ created: 3, updated: 1, failed: 3 })
    expect(result.errors.map(({ row, pointer }: Record<string, unknown>) => [row, pointer])).toEqual([
      [4, '/price'],
      [5, '/price'],
      [6, '/price'],
    ])
    const found = await Promise.all([rows[0], rows[1], rows[2], rows[6]].map((row) => productBySku(row?.sku ?? '')))
    expect(found.map(({ price, currency }) => `${price} ${currency}`)).toEqual([
      '1234.50 EUR',
      '5.00 USD',
      '5.00 AUD',
      '2.00 EUR',
    ])
  })

  it('a number in the other notation, or that could be two, is refused with what would be right', async () => {
    const rows = [
      { sku: aSku(), name: 'Twice', price: '1,234' },
      { sku: aSku(), name: 'German', price: '1.234,50', stock: '3.00' },
      { sku: aSku(), name: 'Half', price: '1,234.50', stock: '1.5' },
      { sku: aSku(), name: 'Thousand', price: '1', stock: '1.000' },
      { sku: aSku(), name: 'Whole', price: '1,234.50', stock: '3.00', lowStockAt: '1,000,000' },
    ]
    const result = await importRows(rows)
    expect(result.counts).toMatchObject({ created: 1, failed: 4 })
    expect(result.errors.map(({ message }: { message: string }) => message)).toEqual([
      'price is 1,234, which can be 1234 or 1.234; write it so, or set `decimal` to `comma`',
      'price is 1.234,50, but the decimal mark is a point; write 1234.50, or set `decimal` to `comma`',
      expect.stringContaining('stock must be a whole number'),
      'stock is 1.000, which can be 1 or 1000; write it without a separator',
    ])
    expect(await productBySku(rows[4]?.sku ?? '')).toMatchObject({ price: '1234.50', stock: 3, lowStockAt: 1_000_000 })
    const point = await importRows([{ sku: aSku(), name: 'Point', price: '1.50' }], { decimal: 'comma' })
    expect(point.errors).toMatchObject([
      {
        code: 'decimal_mark',
        message: 'price is 1.50, but the decimal mark is a comma; write 1,50, or set `decimal` to `point`',
      },
    ])
  })

  it('imports of the same products can be undone in reverse order, and an undo that kept some can be repeated', async () => {
    const sku = aSku()
    const first = await importRows([{ sku, name: 'First', price: '1', stock: 3 }])
    const second = await importRows([{ sku, name: 'Second', price: '2', stock: 5 }])
    expect((await runJob(first.id, 'undo')).counts).toMatchObject({ removed: 0, kept: 1 })
    expect((await runJob(second.id, 'undo')).counts).toMatchObject({ restored: 1, kept: 0 })
    expect(await productBySku(sku)).toMatchObject({ name: 'First', price: '1.00', stock: 3 })
    expect((await runJob(first.id, 'undo')).counts).toMatchObject({ removed: 1, kept: 0 })
    expect((await service.user.get(`/v1/products/${sku}?idBy=sku`)).status).toBe(404)
  })

  it('undo reverts an import except for products that were ordered or changed since', async () => {
    const existing = await createProduct({ stock: 10, price: '2.00' })
    const [made, ordered] = [aSku(), aSku()]
    const { id } = await importRows([
      { sku: existing.sku, price: '5', stock: 4 },
      { sku: made, name: 'Made', price: '1', stock: 3 },
      { sku: ordered, name: 'Ordered', price: '1', stock: 3 },
    ])
    await createOrder([{ productId: (await productBySku(ordered)).id, quantity: 1 }])
    expect(await runJob(id, 'undo')).toMatchObject({ status: 'succeeded', errorsUrl: expect.any(String) })
    expect(await productBySku(existing.sku)).toMatchObject({ price: '2.00', stock: 10 })
    expect((await movements(existing.id)).map(({ delta }) => delta)).toEqual([6, -6, 10])
    expect((await service.user.get(`/v1/products/${made}?idBy=sku`)).status).toBe(404)
    expect(await stockOf((await productBySku(ordered)).id)).toBe(2)
    const file = await service.user.get((await service.user.get(`/v1/product-imports/${id}`)).body.errorsUrl)
    expect(JSON.stringify(file.body)).toContain('changed, ordered or restocked since')
  })

  it('an import of a thousand rows that runs beside orders of the same products keeps ledger and stock equal', async () => {
    const products = await Promise.all(Array.from({ length: 8 }, () => createProduct({ stock: 1_000, price: '1' })))
    let stopped = false
    let orders = 0
    const placing = (async () => {
      while (!stopped) {
        await createOrder(products.toReversed().map(({ id }) => ({ productId: id, quantity: 1 })))
        orders += 1
      }
    })()
    const rows = Array.from({ length: 1_000 }, (_, at) => ({ sku: products[at % 8]?.sku, price: `${1 + (at % 50)}` }))
    const result = await importRows(rows)
    stopped = true
    await placing
    expect(orders).toBeGreaterThan(0)
    expect(result.counts.updated + result.counts.skipped).toBe(1_000)
    for (const { id } of products) {
      const [{ sum } = { sum: 0 }] = await service.db.query<{ sum: number }>(
        'select sum(delta)::int as sum from stock_movements where product_id = $1',
        [id],
      )
      expect([await stockOf(id), sum]).toEqual([1_000 - orders, 1_000 - orders])
    }
  })

  it('two concurrent imports of the same products give the same result as one after the other', async () => {
    const skus = Array.from({ length: 800 }, aSku)
    const rows = skus.map((sku) => ({ sku, name: 'Twice', price: '1', stock: 5 }))
    const turned = rows.toReversed().map((row) => ({ ...row, stock: 9 }))
    const [first, second] = await Promise.all([checkImport(rows), checkImport(turned, {}, service.admin)])
    const jobs = await Promise.all([runJob(first.id, 'commit'), runJob(second.id, 'commit', service.admin)])
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

  it('importing an export changes nothing', async () => {
    const mark = aSku()
    await createProduct({ sku: `${mark}-a`, name: '+254 coffee' })
    await createProduct({ sku: `${mark}-b`, name: '=tea', description: 'two\nlines' })
    const { body } = await service.user.post('/v1/product-exports', {
      filter: { 'sku[startsWith]': mark },
      fields: ['sku', 'name', 'description', 'price', 'currency', 'stock', 'active'],
    })
    const job = await eventually(async () => {
      const job = (await service.user.get(`/v1/order-jobs/${body.id}`)).body
      expect(job.status).toBe('succeeded')
      return job
    })
    const { body: file } = await service.user.get(job.resultUrl)
    expect((await importRows(file)).counts).toEqual({ read: 2, created: 0, updated: 0, skipped: 2, failed: 0 })
  })
})

describe('The preset of a product import', () => {
  it('is null, and no program can be chosen', async () => {
    const { id, preset } = await checkImport(`sku,name,price\n${aSku()},Tea,3\n`, { preset: 'none' })
    expect(preset).toBeNull()
    const { status, body } = await service.user.patch(`/v1/product-imports/${id}`, { preset: 'shopify' })
    expect({ status, errors: body.errors }).toMatchObject({
      status: 422,
      errors: [{ pointer: '/preset', message: expect.stringContaining('must be `none`') }],
    })
  })
})
