import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers()
})
afterAll(() => service?.stop())

describe('Keys of customers in paths', () => {
  it('PUT with idBy=email keeps the e-mail that the body leaves out, and takes another one', async () => {
    const { id, email } = (await service.user.post('/v1/customers', aCustomer({ tags: ['a'] }))).body
    const path = `/v1/customers/${email.toUpperCase()}?idBy=email`
    const kept = await service.user.put(path, { name: 'C', surname: 'D' })
    expect(kept).toMatchObject({ status: 200, body: { id, email, tags: [] } })
    const other = aCustomer().email
    expect((await service.user.put(path, { name: 'C', surname: 'D', email: other })).body).toMatchObject({
      id,
      email: other,
    })
    expect((await service.user.put(`/v1/customers/${id}`, { name: 'C', surname: 'D' })).body.email).toBeNull()
  })

  it('an address with a domain beyond ASCII is stored in ASCII, and found by both spellings', async () => {
    const local = `info.${aCustomer().email}`.split('@')[0]
    const [typed, stored] = [`${local}@Bücher.example`, `${local}@xn--bcher-kva.example`]
    const { id, email } = (await service.user.post('/v1/customers', aCustomer({ email: typed }))).body
    expect(email).toBe(stored)
    const again = await service.user.post('/v1/customers', aCustomer({ email: stored }))
    expect(again).toMatchObject({ status: 409, body: { code: 'duplicate', conflictingId: id } })
    for (const spelling of [typed, stored].map(encodeURIComponent)) {
      expect((await service.user.get(`/v1/customers/${spelling}?idBy=email`)).body.id).toBe(id)
      for (const query of [`email=${spelling}`, `q=${spelling}`])
        expect((await service.user.get(`/v1/customers?${query}`)).body.data).toEqual([expect.objectContaining({ id })])
    }
  })

  it('a name without a visible character is refused', async () => {
    const { status, body } = await service.user.post('/v1/customers', aCustomer({ surname: '\u200b' }))
    expect([status, body.errors]).toEqual([
      422,
      [{ pointer: '/surname', code: 'custom', message: 'must have a visible character' }],
    ])
  })

  it.each([['a/b'], ['a\\b'], ['.'], ['..']])(
    'an external id %s, which no path can name, is refused',
    async (externalId) => {
      const create = await service.user.post('/v1/customers', aCustomer({ externalId }))
      expect(create).toMatchObject({ status: 422, body: { errors: [{ pointer: '/externalId' }] } })
      const { id } = (await service.user.post('/v1/customers', aCustomer())).body
      const change = await service.user.patch(`/v1/customers/${id}`, { externalId })
      expect(change).toMatchObject({ status: 422, body: { errors: [{ pointer: '/externalId' }] } })
    },
  )

  it.each([['a.b'], ['a,b'], ['...'], ['50% & more?']])(
    'an external id %s is found by path and by filter',
    async (externalId) => {
      const { id } = (await service.user.post('/v1/customers', aCustomer({ externalId }))).body
      const path = `/v1/customers/${encodeURIComponent(externalId)}?idBy=externalId`
      expect((await service.user.get(path)).body.id).toBe(id)
      const value = encodeURIComponent(externalId.replace(',', '\\,'))
      const { body } = await service.user.get(`/v1/customers?externalId=${value}`)
      expect(body.data.map((each: { id: string }) => each.id)).toEqual([id])
    },
  )

  it('editors and restore take idBy, and restore returns 409 for a key that several in the trash have', async () => {
    const { id, email, code } = (await service.user.post('/v1/customers', aCustomer())).body
    const editors = await service.user.get(`/v1/customers/${email}/editors?idBy=email&limit=1`)
    expect(editors).toMatchObject({ status: 200, body: { data: [{ edits: 1 }] } })
    expect((await service.user.get(`/v1/customers/${email}/editors?idBy=phone`)).status).toBe(400)
    const restore = (key: string, idBy: string) => service.user.post(`/v1/customers/${key}/restore?idBy=${idBy}`)
    expect(await restore(email, 'email')).toMatchObject({ status: 409, body: { code: 'invalid_state' } })
    await service.user.delete(`/v1/customers/${id}`)
    expect(await restore(email, 'email')).toMatchObject({ status: 200, body: { id } })
    await service.user.delete(`/v1/customers/${id}`)
    const second = (await service.user.post('/v1/customers', aCustomer({ email }))).body
    await service.user.delete(`/v1/customers/${second.id}`)
    expect(await restore(email, 'email')).toMatchObject({ status: 409, body: { code: 'conflict' } })
    expect(await restore(code.toLowerCase(), 'code')).toMatchObject({ status: 200, body: { id } })
    expect((await restore('nobody@example.com', 'email')).status).toBe(404)
  })
})
