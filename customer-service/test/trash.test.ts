import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers()
})
afterAll(() => service?.stop())

const create = async (fields: Record<string, unknown> = {}) =>
  (await service.user.post('/v1/customers', aCustomer(fields))).body
const ids = (body: { data: { id: string }[] }) => body.data.map(({ id }) => id)

describe('deleting, restoring and purging (S0-13, S1-14, S4-05)', () => {
  it('DELETE moves a customer to the trash: 204, then 404', async () => {
    const { id } = await create()
    expect((await service.user.delete(`/v1/customers/${id}`)).status).toBe(204)
    expect((await service.user.delete(`/v1/customers/${id}`)).status).toBe(404)
    expect((await service.user.get(`/v1/customers/${id}`)).status).toBe(404)
    expect((await service.user.patch(`/v1/customers/${id}`, { locale: 'en' })).status).toBe(404)
    expect(ids((await service.user.get('/v1/customers')).body)).not.toContain(id)
  })

  it('lists the trash with deletedAt[exists]=true, and only then', async () => {
    const kept = await create()
    const gone = await create()
    await service.user.delete(`/v1/customers/${gone.id}`)
    const { body } = await service.user.get('/v1/customers?deletedAt[exists]=true')
    expect(ids(body)).toContain(gone.id)
    expect(ids(body)).not.toContain(kept.id)
    expect(body.data[0].deletedAt).toMatch(/Z$/)
    expect(ids((await service.user.get(`/v1/customers?deletedAt[gte]=2020-01-01&code=${gone.code}`)).body)).toEqual([
      gone.id,
    ])
    const active = ids((await service.user.get('/v1/customers?deletedAt[exists]=false')).body)
    expect(active).toContain(kept.id)
    expect(active).not.toContain(gone.id)
  })

  it('restore brings back what was there', async () => {
    const before = await create({ tags: ['a'], metadata: { a: 1 } })
    await service.user.delete(`/v1/customers/${before.id}`)
    const { status, body } = await service.user.post(`/v1/customers/${before.id}/restore`)
    expect(status).toBe(200)
    const { updatedAt: _before, ...rest } = before
    expect(body).toMatchObject({ ...rest, deletedAt: null, version: 3 })
    expect((await service.user.get(`/v1/customers/${before.id}`)).status).toBe(200)
  })

  it('restore answers 404 for nobody and 409 for who is not in the trash', async () => {
    const { id } = await create()
    expect(await service.user.post(`/v1/customers/${id}/restore`)).toMatchObject({
      status: 409,
      body: { code: 'invalid_state' },
    })
    expect((await service.user.post('/v1/customers/0190a5c4-6f00-7000-8000-000000000001/restore')).status).toBe(404)
  })

  it('an e-mail in the trash blocks nobody; restore then answers 409 with who has it', async () => {
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

  it('purge is for admins: of an active customer and of one in the trash (X6)', async () => {
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

describe('batches', () => {
  const batch = (items: unknown[], headers = {}) => service.user.post('/v1/customers/batch', { items }, headers)

  it('answers 200 where all items went well in the same way', async () => {
    const { status, body } = await batch([
      { op: 'create', data: aCustomer() },
      { op: 'create', data: aCustomer() },
    ])
    expect(status).toBe(200)
    expect(body.counts).toEqual({ succeeded: 2, failed: 0 })
    expect(body.results[1]).toMatchObject({ index: 1, status: 201, id: body.results[1].customer.id })
  })

  const mixed = async (headers = {}) => {
    const [changed, tagged, deleted] = [await create(), await create({ tags: ['old', 'kept'] }), await create()]
    const answer = await batch(
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
    expect(answer.status).toBe(207)
    const { results, counts } = answer.body
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
    return answer
  }

  it('answers 207 with a result an item; what fails leaves the others as they are', () => mixed())

  it('does so in the transaction of an Idempotency-Key as well', async () => {
    const { body } = await mixed({ 'idempotency-key': 'batch-1' })
    expect((await service.user.get(`/v1/customers/${body.results[0].id}`)).status).toBe(200)
  })

  it('answers 207, never 200, where all fail', async () => {
    const { status, body } = await batch([{ op: 'delete', id: '0190a5c4-6f00-7000-8000-000000000001' }])
    expect(status).toBe(207)
    expect(body.counts).toEqual({ succeeded: 0, failed: 1 })
  })

  it('a key or a tag that cannot be fails its own item only', async () => {
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

  it('takes 500 items and refuses 501, none, and unknown operations', async () => {
    const many = (count: number) => Array.from({ length: count }, () => ({ op: 'create', data: aCustomer() }))
    expect((await batch(many(500))).body.counts).toEqual({ succeeded: 500, failed: 0 })
    expect((await batch(many(501))).status).toBe(422)
    expect((await batch([])).status).toBe(422)
    expect((await batch([{ op: 'purge', id: 'x' }])).status).toBe(422)
  })

  it('adds a tag once, and changes nothing where nothing differs', async () => {
    const { id } = await create({ tags: ['a'] })
    const { body } = await batch([{ op: 'tag', id, add: ['a'] }])
    expect(body.results[0].customer).toMatchObject({ tags: ['a'], version: 1 })
  })
})
