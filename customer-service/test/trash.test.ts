import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers()
})
afterAll(() => service?.stop())

const create = async (fields: Record<string, unknown> = {}) =>
  (await service.user.post('/v1/customers', aCustomer(fields))).body
const ids = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id)

describe('Deleting, restoring and purging customers', () => {
  it('DELETE moves a customer to the trash and returns 204, then 404', async () => {
    const { id } = await create()
    expect((await service.user.delete(`/v1/customers/${id}`)).status).toBe(204)
    expect((await service.user.delete(`/v1/customers/${id}`)).status).toBe(404)
    expect((await service.user.get(`/v1/customers/${id}`)).status).toBe(404)
    expect((await service.user.patch(`/v1/customers/${id}`, { locale: 'en' })).status).toBe(404)
    expect(ids((await service.user.get('/v1/customers')).body)).not.toContain(id)
  })

  it('GET /v1/customers lists the trash only with a filter by deletedAt', async () => {
    const kept = await create()
    const deleted = await create()
    await service.user.delete(`/v1/customers/${deleted.id}`)
    const { body } = await service.user.get('/v1/customers?deletedAt[exists]=true')
    expect(ids(body)).toContain(deleted.id)
    expect(ids(body)).not.toContain(kept.id)
    expect(body.data[0].deletedAt).toMatch(/Z$/)
    expect(ids((await service.user.get(`/v1/customers?deletedAt[gte]=2020-01-01&code=${deleted.code}`)).body)).toEqual([
      deleted.id,
    ])
    const active = ids((await service.user.get('/v1/customers?deletedAt[exists]=false')).body)
    expect(active).toContain(kept.id)
    expect(active).not.toContain(deleted.id)
  })

  it('GET with trashed=true finds a customer by id or code also in the trash', async () => {
    const { id, code, email } = await create()
    const path = `/v1/customers/${id}?trashed=true`
    expect(await service.user.get(path)).toMatchObject({ status: 200, body: { id, deletedAt: null } })
    await service.user.delete(`/v1/customers/${id}`)
    const { status, body, headers } = await service.user.get(path)
    expect([status, body]).toEqual([200, expect.objectContaining({ id, email, version: 2 })])
    expect(body.deletedAt).toMatch(/Z$/)
    expect((await service.user.get(`/v1/customers/${code}?idBy=code&trashed=true`)).body).toEqual(body)
    expect((await service.user.get(`/v1/customers/${id}?trashed=false`)).status).toBe(404)
    const restored = await service.user.post(`/v1/customers/${id}/restore`, undefined, {
      'if-match': String(headers.get('etag')),
    })
    expect(restored.status).toBe(200)
  })

  it('GET with trashed=true returns 400 with a key that several customers in the trash may have', async () => {
    const { email } = await create()
    expect(await service.user.get(`/v1/customers/${email}?idBy=email&trashed=true`)).toMatchObject({
      status: 400,
      body: { code: 'invalid_parameter', errors: [{ parameter: 'trashed' }] },
    })
  })

  it('a restored customer has all its fields', async () => {
    const before = await create({ tags: ['a'], metadata: { a: 1 } })
    await service.user.delete(`/v1/customers/${before.id}`)
    const { status, body } = await service.user.post(`/v1/customers/${before.id}/restore`)
    expect(status).toBe(200)
    const { updatedAt: _before, ...rest } = before
    expect(body).toMatchObject({ ...rest, deletedAt: null, version: 3 })
    expect((await service.user.get(`/v1/customers/${before.id}`)).status).toBe(200)
  })

  it('restore returns 404 for an unknown customer and 409 for one that is not in the trash', async () => {
    const { id } = await create()
    expect(await service.user.post(`/v1/customers/${id}/restore`)).toMatchObject({
      status: 409,
      body: { code: 'invalid_state' },
    })
    expect((await service.user.post('/v1/customers/0190a5c4-6f00-7000-8000-000000000001/restore')).status).toBe(404)
  })

  it('the e-mail of a customer in the trash can be used again, and restore then returns 409 with the other customer', async () => {
    const { email } = aCustomer()
    const first = await create({ email })
    await service.user.delete(`/v1/customers/${first.id}`)
    const second = await create({ email })
    expect(second.email).toBe(email)
    const { status, body } = await service.user.post(`/v1/customers/${first.id}/restore`)
    expect(status).toBe(409)
    expect(body).toMatchObject({ code: 'duplicate', conflictingId: second.id, conflictingState: 'active' })
    const repeated = { 'idempotency-key': 'restore-1' }
    expect(await service.user.post(`/v1/customers/${first.id}/restore`, undefined, repeated)).toMatchObject({
      status: 409,
      body: { conflictingId: second.id },
    })
  })

  it('only admins can purge a customer, active or in the trash', async () => {
    const first = await create()
    expect(await service.user.delete(`/v1/customers/${first.id}?purge=true`)).toMatchObject({
      status: 403,
      body: { code: 'forbidden' },
    })
    expect((await service.user.get(`/v1/customers/${first.id}`)).status).toBe(200)
    expect((await service.admin.delete(`/v1/customers/${first.id}?purge=true`)).status).toBe(204)
    expect((await service.admin.delete(`/v1/customers/${first.id}?purge=true`)).status).toBe(404)
    const second = await create()
    await service.user.delete(`/v1/customers/${second.id}`)
    expect((await service.admin.delete(`/v1/customers/${second.code}?idBy=code&purge=true`)).status).toBe(204)
    expect((await service.user.post(`/v1/customers/${second.id}/restore`)).status).toBe(404)
  })
})

describe('POST /v1/customers/batch', () => {
  const batch = (items: unknown[], headers = {}) => service.user.post('/v1/customers/batch', { items }, headers)

  it('a batch returns 200 if all items succeed with the same status', async () => {
    const { status, body } = await batch([
      { op: 'create', data: aCustomer() },
      { op: 'create', data: aCustomer() },
    ])
    expect(status).toBe(200)
    expect(body.counts).toEqual({ succeeded: 2, failed: 0 })
    expect(body.results[1]).toMatchObject({ index: 1, status: 201, id: body.results[1].customer.id })
  })

  const runMixedBatch = async (headers = {}) => {
    const [changed, tagged, deleted] = [await create(), await create({ tags: ['old', 'kept'] }), await create()]
    const response = await batch(
      [
        { op: 'create', data: aCustomer() },
        { op: 'create', data: { name: 'No surname', email: 'nobody', color: 'red' } },
        { op: 'create', data: aCustomer({ email: changed.email }) },
        { op: 'update', id: changed.id, data: { locale: 'sw' } },
        { op: 'update', id: changed.id, version: 1, data: { locale: 'en' } },
        { op: 'tag', key: tagged.email, idBy: 'email', add: ['new'], remove: ['old'] },
        { op: 'delete', key: deleted.code, idBy: 'code' },
        { op: 'delete', id: deleted.id },
        { op: 'update', data: { locale: 'sw' } },
        { op: 'create', data: aCustomer() },
      ],
      headers,
    )
    expect(response.status).toBe(207)
    const { results, counts } = response.body
    expect(results.map(({ status }: { status: number }) => status)).toEqual([
      201, 422, 409, 200, 412, 200, 204, 404, 422, 201,
    ])
    expect(counts).toEqual({ succeeded: 5, failed: 5 })
    expect(results[1].problem.errors.map(({ pointer }: { pointer: string }) => pointer).sort()).toEqual([
      '/color',
      '/email',
      '/surname',
    ])
    expect(results[2].problem).toMatchObject({ code: 'duplicate', conflictingId: changed.id })
    expect(results[5].customer.tags).toEqual(['kept', 'new'])
    expect((await service.user.get(`/v1/customers/${results[9].id}`)).status).toBe(200)
    expect((await service.user.get(`/v1/customers/${deleted.id}`)).status).toBe(404)
    return response
  }

  it('a batch returns 207 with a result for each item, and a failed item does not affect the others', () =>
    runMixedBatch())

  it('a batch with an Idempotency-Key keeps succeeded items although others failed', async () => {
    const { body } = await runMixedBatch({ 'idempotency-key': 'batch-1' })
    expect((await service.user.get(`/v1/customers/${body.results[0].id}`)).status).toBe(200)
  })

  it('a batch returns 207 and not 200 if all items fail', async () => {
    const { status, body } = await batch([{ op: 'delete', id: '0190a5c4-6f00-7000-8000-000000000001' }])
    expect(status).toBe(207)
    expect(body.counts).toEqual({ succeeded: 0, failed: 1 })
  })

  it('an invalid key or tag fails only its own item', async () => {
    const { id } = await create()
    const { status, body } = await batch([
      { op: 'tag', id, add: ['good'] },
      { op: 'delete', id: 'nobody' },
      { op: 'delete', key: 'a\u0000b', idBy: 'externalId' },
      { op: 'delete', key: '\ud800', idBy: 'email' },
      { op: 'tag', id, add: ['x'.repeat(51)] },
    ])
    expect(status).toBe(207)
    expect(body.results.map((result: { status: number }) => result.status)).toEqual([200, 404, 422, 422, 422])
    expect(body.results[4].problem.errors).toMatchObject([{ pointer: '/add/0' }])
  })

  it('a batch restores customers from the trash', async () => {
    const [trashed, stale, active] = [await create(), await create(), await create()]
    await batch([trashed, stale].map(({ id }) => ({ op: 'delete', id })))
    const { status, body } = await batch([
      { op: 'restore', id: trashed.id, version: 2 },
      { op: 'restore', id: stale.id, version: 1 },
      { op: 'restore', id: active.id },
      { op: 'restore', id: 'nobody' },
    ])
    expect(status).toBe(207)
    expect(body.results.map((result: { status: number }) => result.status)).toEqual([200, 412, 409, 404])
    expect(body.results[0]).toMatchObject({ id: trashed.id, customer: { deletedAt: null, version: 3 } })
    expect((await service.user.get(`/v1/customers/${trashed.id}`)).status).toBe(200)
    expect((await batch([{ op: 'restore', key: trashed.code, idBy: 'code' }])).status).toBe(422)
  })

  it('a batch that takes too long ends in time, and says which items it has not tried', async () => {
    const tag = `late-${process.pid}`
    const items = Array.from({ length: 200 }, () => ({ op: 'create', data: aCustomer({ tags: [tag] }) }))
    const headers = { 'x-clientele-timeout-ms': '40', 'idempotency-key': tag }
    const { status, body } = await batch(items, headers)
    expect(status).toBe(207)
    const { succeeded, failed } = body.counts
    expect(succeeded).toBeGreaterThan(0)
    expect(failed).toBeGreaterThan(0)
    expect(body.results.at(-1)).toMatchObject({ index: 199, status: 503, problem: { code: 'unavailable' } })
    expect((await batch(items, headers)).body.counts).toEqual({ succeeded, failed })
    const { data } = (await service.user.get(`/v1/customers?tag=${tag}&limit=200`)).body
    expect(data).toHaveLength(succeeded)
  })

  it('a batch accepts 500 items and refuses 501, none, and unknown operations', async () => {
    const many = (count: number) => Array.from({ length: count }, () => ({ op: 'create', data: aCustomer() }))
    const patience = { 'x-clientele-timeout-ms': '60000' }
    expect((await batch(many(500), patience)).body.counts).toEqual({ succeeded: 500, failed: 0 })
    expect((await batch(many(501))).status).toBe(422)
    expect((await batch([])).status).toBe(422)
    expect((await batch([{ op: 'purge', id: 'x' }])).status).toBe(422)
  })

  it('adding a tag that the customer has does not change its version', async () => {
    const { id } = await create({ tags: ['a'] })
    const { body } = await batch([{ op: 'tag', id, add: ['a'] }])
    expect(body.results[0].customer).toMatchObject({ tags: ['a'], version: 1 })
  })
})
