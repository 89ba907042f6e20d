import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers()
})
afterAll(() => service?.stop())

const createCustomer = async () => {
  const { status, body } = await service.user.post('/v1/customers', aCustomer())
  if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
  return body
}

describe('A customer that is sent as it was read', () => {
  it.each(['put', 'patch'] as const)('%s takes the whole customer with one field changed', async (method) => {
    const { id } = await createCustomer()
    const { body: read } = await service.user.get(`/v1/customers/${id}`)
    const { status, body } = await service.user[method](`/v1/customers/${id}`, { ...read, name: 'Grace' })
    expect(status).toBe(200)
    expect(body).toEqual({ ...read, name: 'Grace', version: 2, updatedAt: body.updatedAt })
  })

  it.each(['put', 'patch'] as const)('%s refuses a changed read-only field, and changes nothing', async (method) => {
    const read = await createCustomer()
    const sent = { ...read, name: 'Grace', code: 'CUS-1', createdBy: { ...read.createdBy, displayName: 'Me' } }
    const { status, body } = await service.user[method](`/v1/customers/${read.id}`, sent)
    expect(status).toBe(422)
    expect(body).toMatchObject({ code: 'validation', detail: '2 fields cannot be changed' })
    const message = 'cannot be changed: leave it out, or send the value that the resource has'
    expect(body.errors).toEqual([
      { pointer: '/code', code: 'read_only', message },
      { pointer: '/createdBy', code: 'read_only', message },
    ])
    expect((await service.user.get(`/v1/customers/${read.id}`)).body).toEqual(read)
  })

  it('a customer that somebody else has changed since is refused: 422 without If-Match, 412 with it', async () => {
    const { body: read, headers } = await service.user.post('/v1/customers', aCustomer())
    await service.user.patch(`/v1/customers/${read.id}`, { name: 'Grace' })
    const stale = await service.user.put(`/v1/customers/${read.id}`, read)
    expect(stale.status).toBe(422)
    expect(stale.body.errors).toContainEqual({
      pointer: '/version',
      code: 'read_only',
      message: 'is 2 now: read the resource again',
    })
    const matched = await service.user.put(`/v1/customers/${read.id}`, read, { 'if-match': headers.get('etag') ?? '' })
    expect(matched.status).toBe(412)
  })

  it('POST and a PUT that creates refuse read-only fields', async () => {
    const { externalId, ...read } = await createCustomer()
    const created = await service.user.post('/v1/customers', { ...aCustomer(), id: read.id })
    expect(created.body.errors).toEqual([expect.objectContaining({ pointer: '/id', code: 'unknown_field' })])
    const path = `/v1/customers/new-${read.id}?idBy=externalId`
    const replaced = await service.user.put(path, { ...aCustomer(), id: read.id })
    expect(replaced.body.errors).toEqual([expect.objectContaining({ pointer: '/id', code: 'read_only' })])
    expect((await service.user.put(path, aCustomer())).status).toBe(201)
  })

  it('a body without read-only fields of a customer that does not exist is 404, and so is one with them', async () => {
    const { id, ...read } = await createCustomer()
    const path = '/v1/customers/0190a5c4-6f00-7000-8000-00000000ffff'
    expect((await service.user.patch(path, { name: 'Grace' })).status).toBe(404)
    expect((await service.user.patch(path, { ...read, id, name: 'Grace' })).status).toBe(404)
  })
})
