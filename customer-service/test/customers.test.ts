import { signedInAs } from '@clientele/platform/testing/tokens'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers()
})
afterAll(() => service?.stop())

describe('POST /v1/customers', () => {
  it('POST /v1/customers returns 201 with the customer, its code and its creator, and a Location header', async () => {
    const { id } = await signedInAs('user')
    const input = aCustomer({
      externalId: 'shop-1',
      phone: '+254 711 000 111',
      tags: ['wholesale', 'vip', 'vip'],
      address: { street: 'Moi Avenue 1', city: 'Nairobi', country: 'ke' },
      locale: 'en-KE',
      metadata: { source: 'fair', visits: 3, newsletter: true },
    })
    const { status, body, headers } = await service.user.post('/v1/customers', input)
    expect(status).toBe(201)
    expect(headers.get('location')).toBe(`/v1/customers/${body.id}`)
    expect(headers.get('etag')).toMatch(/^"1\./)
    expect(body).toEqual({
      ...input,
      id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      code: expect.stringMatching(/^CUS-\d{6}$/),
      phone: '+254711000111',
      tags: ['wholesale', 'vip'],
      address: { street: 'Moi Avenue 1', city: 'Nairobi', country: 'KE' },
      photoMediaId: null,
      photoUrl: null,
      photoUrls: null,
      userId: null,
      smsOptOut: false,
      createdAt: expect.stringMatching(/Z$/),
      createdBy: { id, displayName: expect.stringContaining('Test') },
      updatedAt: body.createdAt,
      updatedBy: body.createdBy,
      deletedAt: null,
      version: 1,
    })
    expect((await service.user.get(`/v1/customers/${body.id}`)).body).toEqual(body)
  })

  it('each customer gets the next code, and the code of a purged customer is not used again', async () => {
    const first = (await service.user.post('/v1/customers', aCustomer())).body
    await service.admin.delete(`/v1/customers/${first.id}?purge=true`)
    const second = (await service.user.post('/v1/customers', aCustomer())).body
    expect(Number(second.code.slice(4))).toBe(Number(first.code.slice(4)) + 1)
  })

  it('POST returns 422 with every wrong and every missing field', async () => {
    const { status, body } = await service.user.post('/v1/customers', {
      name: '',
      email: 'nobody',
      phone: '0711 000 111',
      tags: ['ok', ''],
      address: { country: 'Kenya' },
      nickname: 'x',
    })
    expect(status).toBe(422)
    const pointers = body.errors.map(({ pointer }: { pointer: string }) => pointer).sort()
    expect(pointers).toEqual(['/address/country', '/email', '/name', '/nickname', '/phone', '/surname', '/tags/1'])
    expect(body.errors).toContainEqual(expect.objectContaining({ pointer: '/surname', code: 'required' }))
  })

  it.each([
    'id',
    'code',
    'version',
    'createdBy',
    'updatedBy',
    'createdAt',
    'userId',
    'deletedAt',
    'photoUrl',
    'photoUrls',
  ])('POST returns 422 if the body contains %s', async (field) => {
    const { status, body } = await service.user.post('/v1/customers', aCustomer({ [field]: '1' }))
    expect(status).toBe(422)
    expect(body.errors).toEqual([expect.objectContaining({ pointer: `/${field}`, code: 'unknown_field' })])
  })

  it('POST stores HTML in a name unchanged', async () => {
    const name = '<script>alert(1)</script>'
    const { body } = await service.user.post('/v1/customers', aCustomer({ name }))
    expect(body.name).toBe(name)
  })

  it('POST returns 409 with the other customer if the e-mail is taken, in any case', async () => {
    const email = aCustomer().email
    const first = await service.user.post('/v1/customers', aCustomer({ email }))
    const second = await service.user.post('/v1/customers', aCustomer({ email: ` ${email.toUpperCase()} ` }))
    expect(second.status).toBe(409)
    expect(second.body).toMatchObject({
      code: 'duplicate',
      conflictingId: first.body.id,
      conflictingState: 'active',
      errors: [{ pointer: '/email', code: 'taken' }],
    })
  })

  it('POST returns 409 if the externalId is taken', async () => {
    const first = await service.user.post('/v1/customers', aCustomer({ externalId: 'taken-1' }))
    const second = await service.user.post('/v1/customers', aCustomer({ externalId: 'taken-1' }))
    expect(second.status).toBe(409)
    expect(second.body).toMatchObject({ conflictingId: first.body.id, errors: [{ pointer: '/externalId' }] })
  })

  it('one of twenty concurrent requests with the same e-mail creates a customer, the others get 409', async () => {
    const { email } = aCustomer()
    const responses = await Promise.all(
      Array.from({ length: 20 }, () => service.user.post('/v1/customers', aCustomer({ email }))),
    )
    expect(responses.map(({ status }) => status).sort()).toEqual([201, ...Array(19).fill(409)])
  })

  it('POST replays the first response under the same Idempotency-Key, also if it was a 409', async () => {
    const input = aCustomer()
    const headers = { 'idempotency-key': 'create-1' }
    const first = await service.user.post('/v1/customers', input, headers)
    const again = await service.user.post('/v1/customers', input, headers)
    expect(again.status).toBe(201)
    expect(again.headers.get('idempotency-replayed')).toBe('true')
    expect(again.body).toEqual(first.body)
    const clash = await service.user.post('/v1/customers', input, { 'idempotency-key': 'create-2' })
    expect(clash).toMatchObject({ status: 409, body: { conflictingId: first.body.id } })
    const clashAgain = await service.user.post('/v1/customers', input, { 'idempotency-key': 'create-2' })
    expect(clashAgain).toMatchObject({ status: 409, body: { conflictingId: first.body.id } })
    const other = await service.user.post('/v1/customers', aCustomer(), headers)
    expect(other).toMatchObject({ status: 422, body: { code: 'idempotency_mismatch' } })
  })
})

describe('/v1/customers/{key}', () => {
  it.each(['email', 'code', 'externalId'])('a customer can be read, changed and deleted by idBy=%s', async (idBy) => {
    const { body } = await service.user.post('/v1/customers', aCustomer({ externalId: `by-${idBy}` }))
    const path = `/v1/customers/${encodeURIComponent(body[idBy])}?idBy=${idBy}`
    expect((await service.user.get(path)).body.id).toBe(body.id)
    expect((await service.user.patch(path, { locale: 'sw' })).body).toMatchObject({
      id: body.id,
      locale: 'sw',
      version: 2,
    })
    expect(
      (await service.user.put(path, { name: 'New', surname: 'Name', email: body.email, externalId: body.externalId }))
        .status,
    ).toBe(200)
    expect((await service.user.delete(path)).status).toBe(204)
    expect((await service.user.get(path)).status).toBe(404)
  })

  it('GET by idBy=email ignores the case of the e-mail', async () => {
    const { body } = await service.user.post('/v1/customers', aCustomer())
    expect((await service.user.get(`/v1/customers/${body.email.toUpperCase()}?idBy=email`)).body.id).toBe(body.id)
  })

  it.each([
    ['an unknown id', '0190a5c4-6f00-7000-8000-000000000001', 404],
    ['what is no id', 'nobody', 404],
    ['an e-mail without idBy', 'ana@example.com', 404],
    ['SQL', "' or 1=1 --", 404],
    ['NUL', '%00', 400],
    ['broken UTF-8', '%ff', 400],
    ['an unknown idBy', 'x?idBy=phone', 400],
    ['an unknown parameter', 'x?by=email', 400],
  ])('GET returns a problem for %s as the key', async (_what, key, status) => {
    const path = /[?%]/.test(key) ? key : encodeURIComponent(key)
    const response = await service.user.get(`/v1/customers/${path}`)
    expect(response.status).toBe(status)
    expect(response.headers.get('content-type')).toMatch('application/problem+json')
  })

  it('GET returns 304 for the current ETag and 200 for an older one', async () => {
    const { body, headers } = await service.user.post('/v1/customers', aCustomer())
    const path = `/v1/customers/${body.id}`
    expect((await service.user.get(path, { 'if-none-match': headers.get('etag') ?? '' })).status).toBe(304)
    await service.user.patch(path, { locale: 'sw' })
    expect((await service.user.get(path, { 'if-none-match': headers.get('etag') ?? '' })).status).toBe(200)
  })
})

describe('PATCH and PUT /v1/customers/{key}', () => {
  it('a country may have spaces around it, and the region of a language may be a number', async () => {
    const { status, body } = await service.user.post(
      '/v1/customers',
      aCustomer({ address: { country: ' ke ' }, locale: 'es-419' }),
    )
    expect(status).toBe(201)
    expect(body).toMatchObject({ address: { country: 'KE' }, locale: 'es-419' })
  })

  it('PATCH keeps absent fields, empties fields that are null, and merges address and metadata', async () => {
    const { body } = await service.user.post(
      '/v1/customers',
      aCustomer({
        phone: '+254711000112',
        address: { street: 'A 1', city: 'Nairobi' },
        metadata: { a: 1, b: 'x' },
        tags: ['t'],
      }),
    )
    const { status, body: patched } = await service.user.patch(`/v1/customers/${body.id}`, {
      phone: null,
      address: { street: null, postalCode: '00100' },
      metadata: { a: null, c: true },
    })
    expect(status).toBe(200)
    expect(patched).toMatchObject({ email: body.email, phone: null, tags: ['t'], version: 2 })
    expect(patched.address).toEqual({ city: 'Nairobi', postalCode: '00100' })
    expect(patched.metadata).toEqual({ b: 'x', c: true })
    const emptied = await service.user.patch(`/v1/customers/${body.id}`, { address: null, metadata: null, tags: null })
    expect(emptied.body).toMatchObject({ address: null, metadata: {}, tags: [] })
  })

  it('PUT replaces all fields and empties absent ones', async () => {
    const { body } = await service.user.post(
      '/v1/customers',
      aCustomer({ phone: '+254711000113', tags: ['t'], metadata: { a: 1 } }),
    )
    const { body: replaced } = await service.user.put(`/v1/customers/${body.id}`, { name: 'Only', surname: 'Names' })
    expect(replaced).toMatchObject({
      id: body.id,
      code: body.code,
      name: 'Only',
      email: null,
      phone: null,
      tags: [],
      metadata: {},
      version: 2,
    })
    expect(replaced.createdAt).toBe(body.createdAt)
  })

  it('PATCH returns 422 if a required field is emptied, PUT if it is missing', async () => {
    const { body } = await service.user.post('/v1/customers', aCustomer())
    const patch = await service.user.patch(`/v1/customers/${body.id}`, { surname: null })
    expect(patch).toMatchObject({ status: 422, body: { errors: [{ pointer: '/surname' }] } })
    const put = await service.user.put(`/v1/customers/${body.id}`, { name: 'Ana' })
    expect(put).toMatchObject({ status: 422, body: { errors: [{ pointer: '/surname', code: 'required' }] } })
  })

  it('a change records its user as the last editor and in the list of editors', async () => {
    const [user, admin] = await Promise.all([signedInAs('user'), signedInAs('admin')])
    const { body } = await service.user.post('/v1/customers', aCustomer())
    const { body: changed } = await service.admin.patch(`/v1/customers/${body.id}`, { locale: 'sw' })
    expect(changed.createdBy.id).toBe(user.id)
    expect(changed.updatedBy.id).toBe(admin.id)
    await service.user.patch(`/v1/customers/${body.id}`, { locale: 'en' })
    const { body: editors } = await service.user.get(`/v1/customers/${body.id}/editors`)
    expect(editors.data).toEqual([
      expect.objectContaining({ user: expect.objectContaining({ id: user.id }), edits: 2 }),
      expect.objectContaining({ user: expect.objectContaining({ id: admin.id }), edits: 1 }),
    ])
  })

  it('PATCH, PUT and DELETE return 412 if If-Match names an older version', async () => {
    const { body, headers } = await service.user.post('/v1/customers', aCustomer())
    const path = `/v1/customers/${body.id}`
    const etag = { 'if-match': headers.get('etag') ?? '' }
    expect((await service.user.patch(path, { locale: 'sw' }, etag)).status).toBe(200)
    for (const response of [
      await service.user.patch(path, { locale: 'en' }, etag),
      await service.user.put(path, { name: 'A', surname: 'B' }, etag),
      await service.user.delete(path, etag),
    ])
      expect(response).toMatchObject({
        status: 412,
        body: { code: 'precondition_failed', current: { version: 2, etag: '"2"' } },
      })
    expect((await service.user.patch(path, { locale: 'en' }, { 'if-match': '"2"' })).status).toBe(200)
    expect((await service.user.delete(path, { 'if-match': '*' })).status).toBe(204)
  })

  it('PUT with If-None-Match: * creates a customer, and returns 412 if it exists', async () => {
    const [key, other] = [aCustomer().email, aCustomer().email]
    const fresh = { 'if-none-match': '*' }
    const put = (externalId: string, name: string) =>
      service.user.put(`/v1/customers/${externalId}?idBy=externalId`, { name, surname: 'B' }, fresh)
    const { status, body } = await put(key, 'First')
    expect(status).toBe(201)
    for (const response of [
      await put(key, 'Second'),
      await service.user.put(`/v1/customers/${body.id}`, { name: 'Third', surname: 'B' }, fresh),
      await service.user.put(
        `/v1/customers/${body.id}`,
        { name: 'Third', surname: 'B' },
        { ...fresh, 'if-match': '"1"' },
      ),
    ])
      expect(response).toMatchObject({ status: 412, body: { current: { version: 1 } } })
    expect((await service.user.get(`/v1/customers/${body.id}`)).body).toMatchObject({ name: 'First', version: 1 })
    expect(
      (await service.user.put(`/v1/customers/0190a5c4-6f00-7000-8000-000000000001`, { name: 'A', surname: 'B' }, fresh))
        .status,
    ).toBe(404)
    const racers = await Promise.all(Array.from({ length: 8 }, (_, index) => put(other, `Racer ${index}`)))
    expect(racers.map(({ status }) => status).sort()).toEqual([201, ...Array(7).fill(412)])
  })

  it('one of ten concurrent changes with the same If-Match succeeds, the others get 412', async () => {
    const { body, headers } = await service.user.post('/v1/customers', aCustomer())
    const responses = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        service.user.patch(
          `/v1/customers/${body.id}`,
          { metadata: { index } },
          { 'if-match': headers.get('etag') ?? '' },
        ),
      ),
    )
    expect(responses.map(({ status }) => status).sort()).toEqual([200, ...Array(9).fill(412)])
  })

  it('twenty concurrent changes without If-Match are all kept', async () => {
    const { body } = await service.user.post('/v1/customers', aCustomer())
    await Promise.all(
      Array.from({ length: 20 }, (_, index) =>
        service.user.patch(`/v1/customers/${body.id}`, { metadata: { [`k${index}`]: index } }),
      ),
    )
    const { body: now } = await service.user.get(`/v1/customers/${body.id}`)
    expect(Object.keys(now.metadata)).toHaveLength(20)
    expect(now.version).toBe(21)
  })

  it('PATCH returns 409 if another customer has the e-mail', async () => {
    const first = (await service.user.post('/v1/customers', aCustomer())).body
    const second = (await service.user.post('/v1/customers', aCustomer())).body
    const { status, body } = await service.user.patch(`/v1/customers/${second.id}`, { email: first.email })
    expect(status).toBe(409)
    expect(body).toMatchObject({ code: 'duplicate', conflictingId: first.id })
  })

  it('PUT with idBy=externalId creates the customer the first time and replaces it afterwards', async () => {
    const path = '/v1/customers/upsert-1?idBy=externalId'
    const first = await service.user.put(path, { name: 'A', surname: 'B' })
    expect(first.status).toBe(201)
    expect(first.headers.get('location')).toBe(`/v1/customers/${first.body.id}`)
    expect(first.body.externalId).toBe('upsert-1')
    const second = await service.user.put(path, { name: 'C', surname: 'D', externalId: 'upsert-1' })
    expect(second).toMatchObject({ status: 200, body: { id: first.body.id, name: 'C', version: 2 } })
    const mismatch = await service.user.put(path, { name: 'C', surname: 'D', externalId: 'other' })
    expect(mismatch).toMatchObject({ status: 422, body: { errors: [{ pointer: '/externalId' }] } })
    const long = await service.user.put(`/v1/customers/${'x'.repeat(101)}?idBy=externalId`, { name: 'C', surname: 'D' })
    expect(long).toMatchObject({ status: 422, body: { errors: [{ pointer: '/externalId' }] } })
    for (const tag of ['"1.x"', '*']) {
      const ahead = await service.user.put(
        '/v1/customers/upsert-0?idBy=externalId',
        { name: 'C', surname: 'D' },
        { 'if-match': tag },
      )
      expect(ahead.status).toBe(412)
    }
    const existing = await service.user.put(path, { name: 'C', surname: 'D' }, { 'if-match': '*' })
    expect(existing).toMatchObject({ status: 200, body: { version: 2 } })
    const unknown = await service.user.put('/v1/customers/nobody@example.com?idBy=email', { name: 'C', surname: 'D' })
    expect(unknown.status).toBe(404)
  })

  it('twenty concurrent PUTs with the same externalId create one customer', async () => {
    const responses = await Promise.all(
      Array.from({ length: 20 }, () =>
        service.user.put('/v1/customers/upsert-2?idBy=externalId', { name: 'A', surname: 'B' }),
      ),
    )
    expect(responses.map(({ status }) => status).sort()).toEqual([...Array(19).fill(200), 201])
    expect(new Set(responses.map(({ body }) => body.id)).size).toBe(1)
  })
})
