import { signedInAs } from '@clientele/platform/testing/tokens'
import { aProduct, type Running, startOrders } from './start.ts'

const unknownProduct = '/v1/products/0190a5c4-6f00-7000-8000-000000000001'
let service: Running
beforeAll(async () => {
  service = await startOrders()
})
afterAll(() => service?.stop())

const create = async (fields: Record<string, unknown> = {}) => {
  const { status, body, headers } = await service.user.post('/v1/products', aProduct(fields))
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return { ...body, path: `/v1/products/${body.id}`, etag: headers.get('etag') ?? '' }
}
const pointers = (body: { errors: { pointer: string }[] }) => body.errors.map(({ pointer }) => pointer).sort()

describe('POST /v1/products', () => {
  it('POST accepts numbers as strings and returns the product with Location and ETag', async () => {
    const { id: userId } = await signedInAs('user')
    const { status, body, headers } = await service.user.post('/v1/products', {
      name: 'yellow shoe',
      price: '2.2',
      stock: '100',
    })
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/v1/products/${body.id}`)
    expect(headers.get('etag')).toMatch(/^"1\./)
    expect(body).toMatchObject({
      ...{ name: 'yellow shoe', price: '2.20', currency: 'EUR', stock: 100, sku: null, description: null },
      ...{
        lowStockAt: null,
        active: true,
        photoMediaId: null,
        photoUrl: null,
        photoUrls: null,
        deletedAt: null,
        version: 1,
      },
      ...{ createdBy: { id: userId }, updatedAt: body.createdAt, updatedBy: body.createdBy },
    })
    const read = await service.user.get(`/v1/products/${body.id}`)
    expect(read.body).toEqual(body)
    expect(read.headers.get('etag')).toBe(headers.get('etag'))
  })

  it.each([
    ['2.2', 'EUR', '2.20'],
    [56000.68, 'eur', '56000.68'],
    ['100.0000', 'JPY', '100'],
    ['0.125', 'BHD', '0.125'],
    ['999999999999.99', 'USD', '999999999999.99'],
    [0, 'EUR', '0.00'],
  ])('a price of %s %s is returned as %s', async (price, currency, expected) => {
    const product = await create({ price, currency })
    expect(product.price).toBe(expected)
    expect((await service.user.get(product.path)).body.price).toBe(expected)
  })

  it('POST returns 422 that names every invalid field', async () => {
    const { status, body } = await service.user.post('/v1/products', {
      ...{ name: '', price: '-1', stock: '1.5', lowStockAt: -1, currency: 'EURO', active: 'yes', colour: 'red' },
    })
    expect(status).toBe(422)
    expect(pointers(body)).toEqual(['/active', '/colour', '/currency', '/lowStockAt', '/name', '/price', '/stock'])
  })

  it.each([undefined, null, [], 'x', 1])('POST, PUT and PATCH refuse the body %j', async (sent) => {
    const made = await create()
    const init =
      sent === undefined ? {} : { body: JSON.stringify(sent), headers: { 'content-type': 'application/json' } }
    for (const [method, path] of [
      ['POST', '/v1/products'],
      ['PUT', made.path],
      ['PATCH', made.path],
    ] as const) {
      const { status } = await service.user.raw(method, path, init)
      expect([400, 415, 422]).toContain(status)
    }
  })

  it('POST names a price with too many decimals together with all other invalid fields', async () => {
    const input = { price: '2.223', stock: true, colour: 'red' }
    const { status, body } = await service.user.post('/v1/products', input)
    expect([status, pointers(body)]).toEqual([422, ['/colour', '/name', '/price', '/stock']])
  })

  it.each([
    ['/price', { price: '2.223' }],
    ['/price', { price: '1.5', currency: 'JPY' }],
    ['/currency', { currency: 'XYZ' }],
    ['/stock', { stock: 1_000_000_001 }],
    ['/price', { price: undefined }],
    ['/name', { name: undefined }],
  ])('POST returns 422 at %s for %j', async (pointer, fields) => {
    const { status, body } = await service.user.post('/v1/products', aProduct(fields))
    expect([status, pointers(body)]).toEqual([422, [pointer]])
  })

  it('a product without a currency gets the currency of the shop', async () => {
    const yenShop = await service.startReplica({ shopCurrency: 'JPY' })
    const headers = { authorization: `Bearer ${(await signedInAs('user')).token}`, 'content-type': 'application/json' }
    const post = (price: string) =>
      fetch(`${yenShop.url}/v1/products`, { method: 'POST', headers, body: JSON.stringify(aProduct({ price })) })
    expect(await (await post('250')).json()).toMatchObject({ price: '250', currency: 'JPY' })
    expect((await post('2.5')).status).toBe(422)
    await yenShop.stop()
  })

  it('POST returns 409 with the other product if the SKU is taken, and only one of twenty concurrent requests gets a SKU', async () => {
    const first = await create()
    const { status, body } = await service.user.post('/v1/products', aProduct({ sku: ` ${first.sku} ` }))
    expect(status).toBe(409)
    expect(body).toMatchObject({
      ...{ code: 'duplicate', conflictingId: first.id, conflictingState: 'active' },
      errors: [{ pointer: '/sku', code: 'taken' }],
    })
    const { sku } = aProduct()
    const many = Array.from({ length: 20 }, () => service.user.post('/v1/products', aProduct({ sku })))
    expect((await Promise.all(many)).map((response) => response.status).sort()).toEqual([201, ...Array(19).fill(409)])
  })

  it('a repeated POST with an Idempotency-Key replays the first response', async () => {
    const [input, headers] = [aProduct(), { 'idempotency-key': 'product-1' }]
    const first = await service.user.post('/v1/products', input, headers)
    const again = await service.user.post('/v1/products', input, headers)
    expect([again.status, again.headers.get('idempotency-replayed'), again.body]).toEqual([201, 'true', first.body])
    expect(await service.db.query('select 1 from products where sku = $1', [input.sku])).toHaveLength(1)
  })
})

describe('GET, PATCH and PUT /v1/products/{key}', () => {
  it('GET, PATCH, PUT and DELETE accept a SKU with idBy=sku', async () => {
    const { sku, id } = await create({ sku: 'a sku/1'.replace('/', '-') })
    const path = `/v1/products/${encodeURIComponent(sku)}?idBy=sku`
    expect((await service.user.get(path)).body.id).toBe(id)
    expect((await service.user.patch(path, { name: 'Other' })).body).toMatchObject({ id, name: 'Other', version: 2 })
    expect((await service.user.put(path, { name: 'Third', price: 1, sku })).status).toBe(200)
    expect((await service.user.delete(path)).status).toBe(204)
    expect((await service.user.get(path)).status).toBe(404)
  })

  it.each([
    [unknownProduct, 404],
    ['/v1/products/nobody', 404],
    ['/v1/products/nobody?idBy=sku', 404],
    [`/v1/products/${encodeURIComponent("' or 1=1 --")}?idBy=sku`, 404],
    ['/v1/products/%00?idBy=sku', 400],
    ['/v1/products/x?idBy=name', 400],
    ['/v1/products/x?by=sku', 400],
  ])('GET %s returns %i', async (path, status) => expect((await service.user.get(path)).status).toBe(status))

  it('PATCH keeps absent fields and empties those that are null', async () => {
    const product = await create({ description: 'of leather', lowStockAt: 5 })
    const { status, body } = await service.user.patch(product.path, { description: null, lowStockAt: '7', price: 3 })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...{ description: null, lowStockAt: 7, price: '3.00', name: product.name, sku: product.sku, stock: 100 },
      ...{ createdAt: product.createdAt, version: 2 },
    })
  })

  it('PUT replaces all fields, and keeps the stock if the body has none', async () => {
    const product = await create({ description: 'of leather', active: false, lowStockAt: 5, currency: 'USD' })
    const { status, body } = await service.user.put(product.path, { name: 'New', price: '4' })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...{ id: product.id, name: 'New', price: '4.00', currency: 'EUR', sku: null, description: null },
      ...{ active: true, lowStockAt: null, stock: 100, version: 2 },
    })
    expect((await service.user.put(product.path, { name: 'New' })).body.errors).toMatchObject([{ pointer: '/price' }])
  })

  it('PUT with idBy=sku keeps the SKU that the body leaves out', async () => {
    const { id, sku } = await create()
    const { body } = await service.user.put(`/v1/products/${sku}?idBy=sku`, { name: 'New', price: '4' })
    expect(body).toMatchObject({ id, sku, name: 'New', version: 2 })
  })

  it('a SKU with a slash, a backslash or only dots, which no path can name, is refused', async () => {
    for (const sku of ['TEE/RED/L', 'A\\B', '.', '..'])
      expect(await service.user.post('/v1/products', aProduct({ sku }))).toMatchObject({
        status: 422,
        body: { errors: [{ pointer: '/sku', message: expect.stringContaining('paths name the record by it') }] },
      })
  })

  it('stock movements and restore take idBy=sku', async () => {
    const { id, sku, path } = await create({ stock: 1 })
    const movements = `/v1/products/${sku}/stock-movements?idBy=sku`
    expect((await service.user.post(movements, { delta: 4, reason: 'delivery' })).body.stockAfter).toBe(5)
    expect((await service.user.get(`${movements}&limit=1`)).body.data).toMatchObject([{ delta: 4 }])
    await service.user.delete(path)
    expect((await service.user.post(`/v1/products/${sku}/restore?idBy=sku`)).body).toMatchObject({ id })
    await service.user.delete(path)
    await service.user.delete((await create({ sku })).path)
    expect(await service.user.post(`/v1/products/${sku}/restore?idBy=sku`)).toMatchObject({
      status: 409,
      body: { code: 'conflict' },
    })
  })

  it('PATCH changes the currency only together with a price that fits it', async () => {
    const { path } = await create({ price: '2.25' })
    const alone = await service.user.patch(path, { currency: 'USD' })
    expect(alone).toMatchObject({ status: 422, body: { errors: [{ pointer: '/currency', code: 'needs_price' }] } })
    const both = await service.user.patch(path, { price: '300', currency: 'JPY' })
    expect(both.body).toMatchObject({ price: '300', currency: 'JPY' })
    const tooPrecise = await service.user.patch(path, { price: '300.5' })
    const expected = { pointer: '/price', code: 'too_many_decimals', message: 'must have no decimals in JPY' }
    expect(tooPrecise).toMatchObject({ status: 422, body: { errors: [expected] } })
    const unknown = await service.user.patch(path, { price: '1', currency: 'XYZ' })
    expect(unknown.body.errors).toMatchObject([{ pointer: '/currency', code: 'unknown_currency' }])
  })

  it('PATCH without a difference keeps the version and the ETag', async () => {
    const { path, etag } = await create({ price: '2.2' })
    const same = await service.user.patch(path, { price: 2.2, stock: 100, active: true })
    expect([same.body.version, same.headers.get('etag')]).toEqual([1, etag])
  })

  it.each(['id', 'version', 'createdBy', 'updatedAt', 'deletedAt', 'photoUrl', 'photoUrls'])(
    'PATCH refuses the read-only field %s',
    async (field) => {
      const { path } = await create()
      const { status, body } = await service.user.patch(path, { [field]: '1' })
      expect([status, pointers(body)]).toEqual([422, [`/${field}`]])
    },
  )

  it('GET returns 304 for the current ETag, and changes return 412 when If-Match names an older version', async () => {
    const { path, etag } = await create()
    expect((await service.user.get(path, { 'if-none-match': etag })).status).toBe(304)
    expect((await service.user.patch(path, { name: 'A' }, { 'if-match': etag })).status).toBe(200)
    for (const late of [
      await service.user.patch(path, { name: 'B' }, { 'if-match': etag }),
      await service.user.put(path, { name: 'B', price: 1 }, { 'if-match': etag }),
      await service.user.delete(path, { 'if-match': etag }),
      await service.user.post(`${path}/stock-movements`, { delta: 1, reason: 'x' }, { 'if-match': etag }),
    ])
      expect(late).toMatchObject({ status: 412, body: { code: 'precondition_failed', current: { etag: '"2"' } } })
    const onlyNew = await service.user.put(path, { name: 'B', price: 1 }, { 'if-none-match': '*' })
    expect(onlyNew).toMatchObject({ status: 412, body: { current: { version: 2 } } })
    expect((await service.user.get(path)).body).toMatchObject({ name: 'A', version: 2 })
  })

  it('only one of ten concurrent changes with the same If-Match succeeds', async () => {
    const { path, etag } = await create()
    const change = (_: unknown, index: number) => service.user.patch(path, { name: `N${index}` }, { 'if-match': etag })
    const responses = await Promise.all(Array.from({ length: 10 }, change))
    expect(responses.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)])
  })

  it('PATCH returns 409 if another product has the SKU', async () => {
    const [first, second] = [await create(), await create()]
    const clash = await service.user.patch(second.path, { sku: first.sku })
    expect(clash).toMatchObject({ status: 409, body: { code: 'duplicate', conflictingId: first.id } })
  })
})

describe('The trash of products', () => {
  const ids = async (query: string) =>
    (await service.user.get(`/v1/products?${query}`)).body.data.map(({ id }: { id: string }) => id)

  it('DELETE returns 204, then 404, and the product is listed only in the trash', async () => {
    const { id, path } = await create()
    expect((await service.user.delete(path)).status).toBe(204)
    for (const response of [
      await service.user.delete(path),
      await service.user.get(path),
      await service.user.patch(path, { name: 'x' }),
      await service.user.post(`${path}/stock-movements`, { delta: 1, reason: 'x' }),
    ])
      expect(response.status).toBe(404)
    expect(await ids('')).not.toContain(id)
    expect(await ids('deletedAt[exists]=true')).toContain(id)
    expect(await ids('deletedAt[exists]=false')).not.toContain(id)
    expect((await service.user.get(`${path}/stock-movements`)).body.data).toHaveLength(1)
  })

  it('GET with trashed=true finds a product by id also in the trash', async () => {
    const { id, path } = await create()
    await service.user.delete(path)
    expect((await service.user.get(path)).status).toBe(404)
    const { status, body } = await service.user.get(`${path}?trashed=true`)
    expect([status, body]).toEqual([200, expect.objectContaining({ id, version: 2 })])
    expect(body.deletedAt).toMatch(/Z$/)
    expect(await service.user.get('/v1/products/some-sku?idBy=sku&trashed=true')).toMatchObject({
      status: 400,
      body: { errors: [{ parameter: 'trashed' }] },
    })
  })

  it('restore brings a product back unchanged; it returns 409 if the product is not in the trash and 404 if it does not exist', async () => {
    const { path, etag: _etag, updatedAt: _at, ...before } = await create({ stock: 7 })
    await service.user.delete(path)
    const { status, body } = await service.user.post(`${path}/restore`)
    expect(status).toBe(200)
    const { path: _path, ...rest } = { ...before, path }
    expect(body).toMatchObject({ ...rest, deletedAt: null, version: 3 })
    expect(await service.user.post(`${path}/restore`)).toMatchObject({ status: 409, body: { code: 'invalid_state' } })
    expect((await service.user.post(`${unknownProduct}/restore`)).status).toBe(404)
  })

  it('the SKU of a product in the trash can be used again, and restore then returns 409 with the other product', async () => {
    const first = await create()
    await service.user.delete(first.path)
    const second = await create({ sku: first.sku })
    const { status, body } = await service.user.post(`${first.path}/restore`)
    expect(status).toBe(409)
    expect(body).toMatchObject({ code: 'duplicate', conflictingId: second.id, conflictingState: 'active' })
  })

  it('only admins can purge a product; a purge removes its movements and works from the trash', async () => {
    const [first, second] = [await create(), await create()]
    expect((await service.user.delete(`${first.path}?purge=true`)).status).toBe(403)
    expect((await service.admin.delete(`/v1/products/${first.sku}?idBy=sku&purge=true`)).status).toBe(204)
    expect((await service.admin.delete(`${first.path}?purge=true`)).status).toBe(404)
    await service.user.delete(second.path)
    expect((await service.admin.delete(`${second.path}?purge=true`)).status).toBe(204)
    expect((await service.user.post(`${second.path}/restore`)).status).toBe(404)
    const movementsOf = 'select 1 from stock_movements where product_id = any($1)'
    expect(await service.db.query(movementsOf, [[first.id, second.id]])).toEqual([])
  })

  it('purging a product that was ordered returns 409, but it can be moved to the trash', async () => {
    const { id, path } = await create()
    await service.db.query(
      `with placed as (
        insert into orders (id, number, status, total, currency, metadata, placed_at, created_by, created_by_name, updated_at, updated_by, updated_by_name)
        values (gen_random_uuid(), 999, 'placed', 1, 'EUR', '{}', now(), 'x', 'x', now(), 'x', 'x') returning id
      ) insert into order_lines (order_id, position, id, product_id, description, quantity, unit_price, line_total)
      select id, 0, gen_random_uuid(), $1, 'x', 1, 1, 1 from placed`,
      [id],
    )
    const purge = await service.admin.delete(`${path}?purge=true`)
    expect(purge).toMatchObject({ status: 409, body: { code: 'invalid_state' } })
    expect((await service.user.get(path)).body.stock).toBe(100)
    expect((await service.user.delete(path)).status).toBe(204)
    expect((await service.admin.delete(`${path}?purge=true`)).status).toBe(409)
  })
})

describe('Access to products', () => {
  it.each([
    ['GET', '/v1/products'],
    ['POST', '/v1/products'],
    ['GET', unknownProduct],
    ['PATCH', unknownProduct],
    ['PUT', unknownProduct],
    ['DELETE', unknownProduct],
    ['POST', `${unknownProduct}/restore`],
    ['GET', `${unknownProduct}/stock-movements`],
    ['POST', `${unknownProduct}/stock-movements`],
    ['PUT', `${unknownProduct}/photo`],
  ])('%s %s needs a token with the role user', async (method, path) => {
    const { token } = await signedInAs('nobody')
    const call = async (headers: Record<string, string>) =>
      (await fetch(`${service.url}${path}`, { method, headers })).status
    expect(await call({})).toBe(401)
    expect(await call({ authorization: `Bearer ${token}` })).toBe(403)
  })
})
