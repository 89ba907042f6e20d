import { tokenFor } from '@clientele/platform/testing/tokens'
import { aProduct, type Running, startOrders } from './start.ts'

const nobody = '/v1/products/0190a5c4-6f00-7000-8000-000000000001'
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

describe('POST /v1/products (S2-18)', () => {
  it('takes numbers as text, and answers with the product, its address and an ETag', async () => {
    const { id: userId } = await tokenFor('user')
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
      ...{ lowStockAt: null, active: true, photoMediaId: null, photoUrl: null, archivedAt: null, version: 1 },
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
  ])('a price of %s %s is %s', async (price, currency, expected) => {
    const product = await create({ price, currency })
    expect(product.price).toBe(expected)
    expect((await service.user.get(product.path)).body.price).toBe(expected)
  })

  it('answers 422 naming every wrong field at once', async () => {
    const { status, body } = await service.user.post('/v1/products', {
      ...{ name: '', price: '-1', stock: '1.5', lowStockAt: -1, currency: 'EURO', active: 'yes', colour: 'red' },
    })
    expect(status).toBe(422)
    expect(pointers(body)).toEqual(['/active', '/colour', '/currency', '/lowStockAt', '/name', '/price', '/stock'])
  })

  it.each([undefined, null, [], 'x', 1])('refuses the body %j', async (sent) => {
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

  it('names a price of too many decimals together with what else is wrong', async () => {
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
  ])('answers 422 on %s for %j', async (pointer, fields) => {
    const { status, body } = await service.user.post('/v1/products', aProduct(fields))
    expect([status, pointers(body)]).toEqual([422, [pointer]])
  })

  it('prices in the currency of the shop where none is named', async () => {
    const kenya = await service.another({ shopCurrency: 'JPY' })
    const headers = { authorization: `Bearer ${(await tokenFor('user')).token}`, 'content-type': 'application/json' }
    const post = (price: string) =>
      fetch(`${kenya.url}/v1/products`, { method: 'POST', headers, body: JSON.stringify(aProduct({ price })) })
    expect(await (await post('250')).json()).toMatchObject({ price: '250', currency: 'JPY' })
    expect((await post('2.5')).status).toBe(422)
    await kenya.stop()
  })

  it('answers 409 with the other product where the sku is taken, and lets one of twenty at once have it', async () => {
    const first = await create()
    const { status, body } = await service.user.post('/v1/products', aProduct({ sku: ` ${first.sku} ` }))
    expect(status).toBe(409)
    expect(body).toMatchObject({
      ...{ code: 'duplicate', conflictingId: first.id, conflictingState: 'active' },
      errors: [{ pointer: '/sku', code: 'taken' }],
    })
    const { sku } = aProduct()
    const many = Array.from({ length: 20 }, () => service.user.post('/v1/products', aProduct({ sku })))
    expect((await Promise.all(many)).map((answer) => answer.status).sort()).toEqual([201, ...Array(19).fill(409)])
  })

  it('gives the first answer again under an Idempotency-Key', async () => {
    const [input, headers] = [aProduct(), { 'idempotency-key': 'product-1' }]
    const first = await service.user.post('/v1/products', input, headers)
    const again = await service.user.post('/v1/products', input, headers)
    expect([again.status, again.headers.get('idempotency-replayed'), again.body]).toEqual([201, 'true', first.body])
    expect(await service.db.query('select 1 from products where sku = $1', [input.sku])).toHaveLength(1)
  })
})

describe('GET, PATCH and PUT /v1/products/{key} (S2-19, S2-20)', () => {
  it('reads, changes and deletes by idBy=sku', async () => {
    const { sku, id } = await create({ sku: 'a sku/1'.replace('/', '-') })
    const path = `/v1/products/${encodeURIComponent(sku)}?idBy=sku`
    expect((await service.user.get(path)).body.id).toBe(id)
    expect((await service.user.patch(path, { name: 'Other' })).body).toMatchObject({ id, name: 'Other', version: 2 })
    expect((await service.user.put(path, { name: 'Third', price: 1, sku })).status).toBe(200)
    expect((await service.user.delete(path)).status).toBe(204)
    expect((await service.user.get(path)).status).toBe(404)
  })

  it.each([
    [nobody, 404],
    ['/v1/products/nobody', 404],
    ['/v1/products/nobody?idBy=sku', 404],
    [`/v1/products/${encodeURIComponent("' or 1=1 --")}?idBy=sku`, 404],
    ['/v1/products/%00?idBy=sku', 400],
    ['/v1/products/x?idBy=name', 400],
    ['/v1/products/x?by=sku', 400],
  ])('GET %s answers %i', async (path, status) => expect((await service.user.get(path)).status).toBe(status))

  it('PATCH merges: absent stays, null empties', async () => {
    const product = await create({ description: 'of leather', lowStockAt: 5 })
    const { status, body } = await service.user.patch(product.path, { description: null, lowStockAt: '7', price: 3 })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...{ description: null, lowStockAt: 7, price: '3.00', name: product.name, sku: product.sku, stock: 100 },
      ...{ createdAt: product.createdAt, version: 2 },
    })
  })

  it('PUT replaces the whole; without stock the stock stays', async () => {
    const product = await create({ description: 'of leather', active: false, lowStockAt: 5, currency: 'USD' })
    const { status, body } = await service.user.put(product.path, { name: 'New', price: '4' })
    expect(status).toBe(200)
    expect(body).toMatchObject({
      ...{ id: product.id, name: 'New', price: '4.00', currency: 'EUR', sku: null, description: null },
      ...{ active: true, lowStockAt: null, stock: 100, version: 2 },
    })
    expect((await service.user.put(product.path, { name: 'New' })).body.errors).toMatchObject([{ pointer: '/price' }])
  })

  it('changes the currency only together with the price, which must suit it', async () => {
    const { path } = await create({ price: '2.25' })
    const alone = await service.user.patch(path, { currency: 'USD' })
    expect(alone).toMatchObject({ status: 422, body: { errors: [{ pointer: '/currency', code: 'needs_price' }] } })
    const both = await service.user.patch(path, { price: '300', currency: 'JPY' })
    expect(both.body).toMatchObject({ price: '300', currency: 'JPY' })
    const unfit = await service.user.patch(path, { price: '300.5' })
    const tooFine = { pointer: '/price', code: 'too_many_decimals', message: 'must have no decimals in JPY' }
    expect(unfit).toMatchObject({ status: 422, body: { errors: [tooFine] } })
    const unknown = await service.user.patch(path, { price: '1', currency: 'XYZ' })
    expect(unknown.body.errors).toMatchObject([{ pointer: '/currency', code: 'unknown_currency' }])
  })

  it('counts no version where nothing differs', async () => {
    const { path, etag } = await create({ price: '2.2' })
    const same = await service.user.patch(path, { price: 2.2, stock: 100, active: true })
    expect([same.body.version, same.headers.get('etag')]).toEqual([1, etag])
  })

  it.each(['id', 'version', 'createdBy', 'updatedAt', 'archivedAt', 'photoUrl'])(
    'refuses %s in a body',
    async (field) => {
      const { path } = await create()
      const { status, body } = await service.user.patch(path, { [field]: '1' })
      expect([status, pointers(body)]).toEqual([422, [`/${field}`]])
    },
  )

  it('answers 304 to an ETag that holds, and 412 to an If-Match that does not', async () => {
    const { path, etag } = await create()
    expect((await service.user.get(path, { 'if-none-match': etag })).status).toBe(304)
    expect((await service.user.patch(path, { name: 'A' }, { 'if-match': etag })).status).toBe(200)
    for (const late of [
      await service.user.patch(path, { name: 'B' }, { 'if-match': etag }),
      await service.user.put(path, { name: 'B', price: 1 }, { 'if-match': etag }),
      await service.user.delete(path, { 'if-match': etag }),
      await service.user.post(`${path}/stock-movements`, { delta: 1, reason: 'x' }, { 'if-match': etag }),
    ])
      expect(late).toMatchObject({ status: 412, body: { code: 'precondition_failed' } })
  })

  it('lets one of ten changes at once through under the same If-Match', async () => {
    const { path, etag } = await create()
    const change = (_: unknown, index: number) => service.user.patch(path, { name: `N${index}` }, { 'if-match': etag })
    const answers = await Promise.all(Array.from({ length: 10 }, change))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)])
  })

  it('answers 409 where a change would take the sku of another', async () => {
    const [first, second] = [await create(), await create()]
    const clash = await service.user.patch(second.path, { sku: first.sku })
    expect(clash).toMatchObject({ status: 409, body: { code: 'duplicate', conflictingId: first.id } })
  })
})

describe('the trash (S2-21)', () => {
  const ids = async (query: string) =>
    (await service.user.get(`/v1/products?${query}`)).body.data.map(({ id }: { id: string }) => id)

  it('DELETE answers 204, then 404, and the product is only in the list of the trash', async () => {
    const { id, path } = await create()
    expect((await service.user.delete(path)).status).toBe(204)
    for (const answer of [
      await service.user.delete(path),
      await service.user.get(path),
      await service.user.patch(path, { name: 'x' }),
      await service.user.post(`${path}/stock-movements`, { delta: 1, reason: 'x' }),
    ])
      expect(answer.status).toBe(404)
    expect(await ids('')).not.toContain(id)
    expect(await ids('archivedAt[exists]=true')).toContain(id)
    expect(await ids('archivedAt[exists]=false')).not.toContain(id)
    expect((await service.user.get(`${path}/stock-movements`)).body.data).toHaveLength(1)
  })

  it('restore brings it back as it was; 409 for what is not in the trash, 404 for nothing', async () => {
    const { path, etag: _etag, updatedAt: _at, ...before } = await create({ stock: 7 })
    await service.user.delete(path)
    const { status, body } = await service.user.post(`${path}/restore`)
    expect(status).toBe(200)
    const { path: _path, ...rest } = { ...before, path }
    expect(body).toMatchObject({ ...rest, archivedAt: null, version: 3 })
    expect(await service.user.post(`${path}/restore`)).toMatchObject({ status: 409, body: { code: 'invalid_state' } })
    expect((await service.user.post(`${nobody}/restore`)).status).toBe(404)
  })

  it('a sku in the trash blocks nobody; restore then answers 409 with the product that has it', async () => {
    const first = await create()
    await service.user.delete(first.path)
    const second = await create({ sku: first.sku })
    const { status, body } = await service.user.post(`${first.path}/restore`)
    expect(status).toBe(409)
    expect(body).toMatchObject({ code: 'duplicate', conflictingId: second.id, conflictingState: 'active' })
  })

  it('purge is for admins, removes the movements as well, and works from the trash', async () => {
    const [first, second] = [await create(), await create()]
    expect((await service.user.delete(`${first.path}?purge=true`)).status).toBe(403)
    expect((await service.admin.delete(`/v1/products/${first.sku}?idBy=sku&purge=true`)).status).toBe(204)
    expect((await service.admin.delete(`${first.path}?purge=true`)).status).toBe(404)
    await service.user.delete(second.path)
    expect((await service.admin.delete(`${second.path}?purge=true`)).status).toBe(204)
    expect((await service.user.post(`${second.path}/restore`)).status).toBe(404)
    const left = 'select 1 from stock_movements where product_id = any($1)'
    expect(await service.db.query(left, [[first.id, second.id]])).toEqual([])
  })

  it('purging what was ordered answers 409, and it can still go to the trash', async () => {
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

describe('access', () => {
  it.each([
    ['GET', '/v1/products'],
    ['POST', '/v1/products'],
    ['GET', nobody],
    ['PATCH', nobody],
    ['PUT', nobody],
    ['DELETE', nobody],
    ['POST', `${nobody}/restore`],
    ['GET', `${nobody}/stock-movements`],
    ['POST', `${nobody}/stock-movements`],
    ['PUT', `${nobody}/photo`],
  ])('%s %s needs a token of somebody with the role user (S2-24)', async (method, path) => {
    const { token } = await tokenFor('nobody')
    const call = async (headers: Record<string, string>) =>
      (await fetch(`${service.url}${path}`, { method, headers })).status
    expect(await call({})).toBe(401)
    expect(await call({ authorization: `Bearer ${token}` })).toBe(403)
  })
})
