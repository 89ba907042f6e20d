import { readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'
import type { EventSubscription } from '@clientele/platform/testing/broker'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { counts, createImportClient, csv } from './import-client.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
let tap: EventSubscription
let files: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers()
  tap = await service.broker.subscribe()
  files = createImportClient(service.user)
})
afterAll(() => service?.stop())

const find = async (field: string, value: string) =>
  (await service.user.get(`/v1/customers?${field}=${encodeURIComponent(value)}`)).body.data
const total = async () =>
  (await service.db.query<{ n: number }>('select count(*)::int as n from customers where deleted_at is null'))[0]?.n
const fixture = (name: string): Buffer => readFileSync(new URL(`./fixtures/${name}`, import.meta.url))
const row = (fields: Record<string, string> = {}) => aCustomer(fields) as Record<string, string>

describe('Contacts of a telephone', () => {
  const card = (...lines: string[]) => ['BEGIN:VCARD', 'VERSION:3.0', ...lines, 'END:VCARD', ''].join('\r\n')

  it('a vCard is a customer', async () => {
    const checked = await files.check(fixture('contacts.vcf'), {}, 'text/vcard')
    expect(checked).toMatchObject({
      status: 'checked',
      format: 'vcard',
      delimiter: null,
      counts: counts({ created: 1 }),
    })
    await files.commit(checked.id)
    expect(await find('email', 'a13@example.com')).toEqual([
      expect.objectContaining({ name: 'Example', surname: 'Person' }),
    ])
  })

  it('all fields are taken, and a failed card comes back with its number as NDJSON', async () => {
    const { email } = aCustomer()
    const contacts = [
      card(
        'N:Berg;Ana;;;',
        `EMAIL:${email}`,
        'TEL;TYPE=CELL:+49 151 23456789',
        'ADR:;;Weg 1;Berlin;;10115;Germany',
        'CATEGORIES:vip,bio',
        'NOTE:two\\nlines',
      ),
      card('KIND:group', 'FN:Friends'),
      card('FN:Bakery', 'EMAIL:not an address'),
    ].join('')
    const { id, ...checked } = await files.check(
      gzipSync(contacts),
      { name: 'contacts.vcf' },
      'application/octet-stream',
    )
    expect(checked).toMatchObject({ format: 'vcard', unmapped: [], counts: counts({ created: 1, failed: 1 }) })
    expect(checked.errors.map(({ row, pointer }) => [row, pointer])).toEqual(expect.arrayContaining([[3, '/email']]))
    const { counts: written, errorsUrl } = await files.commit(id)
    expect(written).toEqual(counts({ created: 1, failed: 1 }))
    expect(await find('email', email ?? '')).toEqual([
      expect.objectContaining({
        ...{ name: 'Ana', surname: 'Berg', phone: '+4915123456789', tags: ['vip', 'bio'] },
        address: { street: 'Weg 1', city: 'Berlin', postalCode: '10115', country: 'DE' },
        metadata: { note: 'two lines' },
      }),
    ])
    const { headers, body } = await service.user.get(errorsUrl ?? '')
    expect(headers.get('content-type')).toContain('application/x-ndjson')
    expect(body).toMatchObject({ name: 'Bakery', email: 'not an address', row: 3 })
  })

  it.each([
    ['without an end', 'BEGIN:VCARD\nFN:Ana\n', 'unexpected_end', 'card 1 of the file has no END:VCARD'],
    ['that is empty', 'BEGIN:VCARD\nEND:VCARD\n', undefined, undefined],
  ])('a card %s leaves no file behind if it is refused', async (_what, contacts, code, message) => {
    const { status, body } = await files.send(contacts, {}, 'text/vcard')
    if (code === undefined) expect(status).toBe(202)
    else expect([status, body.errors]).toEqual([422, [{ pointer: '/file', code, message }]])
  })
})

describe('E-mail addresses in a file', () => {
  it('addresses are taken as mail servers take them, and match the customers that have them', async () => {
    const file = fixture('emails.csv')
    const { id } = await files.check(file)
    expect((await files.commit(id)).counts).toEqual(counts({ read: 4, created: 4 }))
    expect(await find('email', 'info.a10@xn--bcher-kva.example')).toEqual([expect.objectContaining({ name: 'Ida' })])
    const again = await files.check(Buffer.from(String(file).replace('bücher', 'BÜCHER')))
    expect(again.counts).toEqual(counts({ read: 4, skipped: 4 }))
  })
})

describe('Dry run of an import', () => {
  it('a dry run detects format and encoding, suggests a mapping, and reports the result of each row without writing', async () => {
    const { body: existing } = await service.user.post('/v1/customers', aCustomer())
    const before = await total()
    const file = [
      'Vorname;Nachname;E-Mail;Telefon;Ort;Notiz',
      'Zoë;Müller;zoe@example.com;+254711000111;Nairobi;hot',
      `Ana;New;${existing.email};;;`,
      'Bob;Broken;not-an-address;;;',
      ';Nameless;n@example.com;;;',
    ].join('\n')
    const { status, body, headers } = await files.send(Buffer.from(file, 'latin1'), { name: 'kunden.csv' })
    expect(status).toBe(202)
    expect(headers.get('location')).toBe(`/v1/imports/${body.id}`)
    expect(body).toMatchObject({
      ...{ status: 'checking', name: 'kunden.csv', format: 'csv', delimiter: ';', encoding: 'windows-1252' },
      mapping: {
        Vorname: 'name',
        Nachname: 'surname',
        'E-Mail': 'email',
        Telefon: 'phone',
        Ort: 'address.city',
      },
      ...{ unmapped: ['Notiz'], matchBy: 'email', onMatch: 'update', previousImportId: null },
    })
    const checked = await files.rest(body.id)
    expect(checked).toMatchObject({
      status: 'checked',
      total: 4,
      counts: counts({ created: 1, updated: 1, failed: 2 }),
    })
    expect(checked.errors).toEqual([
      { row: 4, pointer: '/email', code: 'invalid_format', message: expect.any(String) },
      { row: 5, pointer: '/name', code: 'required', message: 'Vorname is required' },
    ])
    expect(await total()).toBe(before)
    expect((await service.user.get(`/v1/customers/${existing.id}`)).body.version).toBe(1)
  })

  it('an import reads yes and no in many languages, and its error lists the accepted words', async () => {
    const yes = ['sim', 'yes', 'JA', 'oui', 'sí', 'sì', 'tak', 'да', 'evet', 'ndiyo', 'x']
    const no = ['não', 'no', 'nein', 'NON', 'nee', 'nie', 'нет', 'hayır', 'hapana', 'na\u0303o']
    const addresses = [...yes, ...no, 'talvez'].map((word) => ({ word, email: row()['email'] ?? '' }))
    const lines = addresses.map(({ word, email }) => `Ana;Silva;${email};${word}`)
    const { id } = await files.check(['nome;sobrenome;e-mail;sms opt out', ...lines].join('\n'))
    const done = await files.commit(id)
    expect(done.errors).toEqual([
      {
        row: addresses.length + 1,
        pointer: '/smsOptOut',
        code: 'invalid_type',
        message: expect.stringMatching(/^sms opt out must be yes \(.*\bsim\b.*\) or no \(.*\bnein\b.*\)$/),
      },
    ])
    expect(done.counts).toEqual(counts({ created: yes.length + no.length, failed: 1 }))
    for (const { word, email } of addresses.slice(0, -1))
      expect([word, (await find('email', email))[0].smsOptOut]).toEqual([word, yes.includes(word)])
  })

  it('a change of mapping or onMatch starts a new dry run, which writes nothing either', async () => {
    const { email } = (await service.user.post('/v1/customers', aCustomer())).body
    const { id } = await files.check(csv([{ a: 'Ana', b: 'New', c: email }]), { onMatch: 'skip' })
    expect(await files.get(id)).toMatchObject({ mapping: { c: 'email' }, counts: counts({ skipped: 1 }) })
    const names = { a: 'name', b: 'surname' }
    expect((await service.user.patch(`/v1/imports/${id}`, { mapping: names })).status).toBe(202)
    expect(await files.rest(id)).toMatchObject({ mapping: names, counts: counts({ created: 1 }), errors: [] })
    const mapping = { ...names, c: 'email' }
    expect((await service.user.patch(`/v1/imports/${id}`, { mapping })).status).toBe(202)
    expect(await files.rest(id)).toMatchObject({ mapping, counts: counts({ skipped: 1 }), errors: [] })
    await service.user.patch(`/v1/imports/${id}`, { onMatch: 'fail' })
    expect(await files.rest(id)).toMatchObject({ counts: counts({ failed: 1 }), errors: [{ code: 'exists' }] })
  })

  it.each([
    [{ a: 'nothing' }, '/mapping/a', 'unknown_field'],
    [{ a: 'name', b: 'name' }, '/mapping/b', 'repeated'],
    [{ a: null }, '/mapping', 'empty'],
  ])('PATCH returns 422 for the invalid mapping %j', async (mapping, pointer, code) => {
    const { id } = await files.check(csv([{ a: '1', b: '2' }]))
    const { status, body } = await service.user.patch(`/v1/imports/${id}`, { mapping })
    expect([status, body.errors[0]]).toEqual([422, expect.objectContaining({ pointer, code })])
  })
})

describe('Commit of an import', () => {
  it('a commit creates and changes customers as the API does, with editors and events, and publishes import.finished', async () => {
    const { id: userId } = await signedInAs('user')
    const { body: existing } = await service.admin.post('/v1/customers', aCustomer({ tags: ['old'], locale: 'en' }))
    const newRow = row()
    const file = csv([
      {
        ...newRow,
        phone: '+254 711 000 222',
        tags: 'vip;wholesale',
        'address.city': 'Nairobi',
        smsOptOut: 'yes',
        size: 'L',
      },
      { name: 'Renamed', surname: '', email: String(existing.email).toUpperCase(), tags: '' },
    ])
    const mapping = JSON.stringify({
      ...{ name: 'name', surname: 'surname', email: 'email', phone: 'phone', tags: 'tags', smsOptOut: 'smsOptOut' },
      ...{ 'address.city': 'address.city', size: 'metadata.size' },
    })
    const { id } = await files.check(file, { mapping })
    const done = await files.commit(id)
    expect(done).toMatchObject({
      status: 'finished',
      progress: 1,
      counts: counts({ created: 1, updated: 1 }),
      errors: [],
    })
    const [customer] = await find('email', newRow['email'] ?? '')
    expect(customer).toMatchObject({
      ...{
        phone: '+254711000222',
        tags: ['vip', 'wholesale'],
        address: { city: 'Nairobi' },
        smsOptOut: true,
        version: 1,
      },
      ...{ metadata: { size: 'L' }, code: expect.stringMatching(/^CUS-\d{6}$/), createdBy: { id: userId } },
    })
    expect((await find('q', `${newRow['name']} wholesale`)).map(({ id }: { id: string }) => id)).toContain(customer.id)
    const changed = (await service.user.get(`/v1/customers/${existing.id}`)).body
    expect(changed).toMatchObject({ name: 'Renamed', surname: existing.surname, tags: ['old'], version: 2 })
    const editors = (await service.user.get(`/v1/customers/${existing.id}/editors`)).body.data
    expect(editors.map(({ user }: { user: { id: string } }) => user.id)).toContain(userId)

    const created = await tap.next('customer.created.v1', customer.id)
    const { photoUrl: _link, photoUrls: _links, ...published } = customer
    expect(created.data).toEqual({ ...published, actor: { id: userId, displayName: expect.any(String) } })
    expect((await tap.next('customer.updated.v1', existing.id)).data).toMatchObject({
      ...{ version: 2, changed: ['name'], previous: { name: existing.name }, actor: { id: userId } },
    })
    expect((await tap.next('import.finished.v1', id)).data).toMatchObject({
      ...{ entity: 'customers', status: 'finished', counts: counts({ created: 1, updated: 1 }) },
    })
  })

  it.each(['id', 'code', 'email', 'phone', 'externalId'] as const)(
    'an import with matchBy=%s updates the customer that has the key',
    async (matchBy) => {
      const number = `+25471100${String(Math.floor(Math.random() * 10_000)).padStart(4, '0')}`
      const { body: existing } = await service.user.post(
        '/v1/customers',
        aCustomer({ externalId: `x-${matchBy}`, phone: number }),
      )
      const rows = [{ [matchBy]: existing[matchBy], name: 'Matched', surname: 'Now' }]
      const { id } = await files.check(csv(rows), { matchBy })
      expect(await files.commit(id)).toMatchObject({ counts: counts({ updated: 1 }) })
      expect((await service.user.get(`/v1/customers/${existing.id}`)).body).toMatchObject({
        name: 'Matched',
        surname: 'Now',
      })
    },
  )

  it.each([
    ['update', { updated: 1 }, 'New'],
    ['skip', { skipped: 1 }, undefined],
    ['fail', { failed: 1 }, undefined],
  ] as const)(
    'an import with onMatch=%s treats a row that matches a customer as the option says',
    async (onMatch, outcome, name) => {
      const { body: existing } = await service.user.post('/v1/customers', aCustomer())
      const { id, counts: predicted } = await files.check(csv([{ name: 'New', email: existing.email }]), { onMatch })
      expect(await files.commit(id)).toMatchObject({ counts: counts(outcome) })
      expect(predicted).toEqual(counts(outcome))
      expect((await service.user.get(`/v1/customers/${existing.id}`)).body.name).toBe(name ?? existing.name)
    },
  )

  it('rows of a file are imported as if each was written before the next', async () => {
    const [one, two] = [row(), row()]
    const file = csv([
      one,
      { ...one, surname: 'Second' },
      { ...one, surname: 'Second' },
      { ...two, externalId: 'same' },
      { ...row(), externalId: 'same' },
    ])
    const { id } = await files.check(file)
    expect(await files.commit(id)).toMatchObject({
      counts: counts({ created: 2, updated: 1, skipped: 1, failed: 1 }),
      errors: [{ row: 6, pointer: '/externalId', code: 'taken' }],
    })
    const [customer] = await find('email', one['email'] ?? '')
    expect(customer).toMatchObject({ surname: 'Second', version: 2 })
    expect((await tap.next('customer.created.v1', customer.id)).data).toMatchObject({
      version: 1,
      surname: one['surname'],
    })
    expect((await tap.next('customer.updated.v1', customer.id)).data).toMatchObject({
      version: 2,
      changed: ['surname'],
    })
  })

  it('a row fails if its key is ambiguous or its code is unknown, and does not match a customer in the trash', async () => {
    const phone = '+254711999888'
    for (const _ of [1, 2]) await service.user.post('/v1/customers', aCustomer({ phone }))
    const ambiguous = await files.check(csv([{ ...row(), phone }]), { matchBy: 'phone' })
    expect(ambiguous.errors).toMatchObject([{ pointer: '/phone', code: 'ambiguous' }])
    const nobody = await files.check(csv([{ ...row(), code: 'CUS-999999' }]), { matchBy: 'code' })
    expect(nobody.errors).toMatchObject([{ pointer: '/code', code: 'no_match' }])
    const { body: deleted } = await service.user.post('/v1/customers', aCustomer())
    await service.user.delete(`/v1/customers/${deleted.id}`)
    const { id } = await files.check(csv([{ ...row(), email: deleted.email }]))
    expect((await files.commit(id)).counts).toEqual(counts({ created: 1 }))
  })

  it('an import accepts JSON, NDJSON and gzip, nested fields, and keys that first appear in a late row', async () => {
    const [one, two, three] = [row(), row(), row()]
    const json = [{ ...one, address: { city: 'Lagos' }, metadata: { source: 'fair' }, tags: ['a'] }]
    const first = await files.check(json)
    expect(await files.commit(first.id)).toMatchObject({ format: 'json', counts: counts({ created: 1 }) })
    expect((await find('email', one['email'] ?? ''))[0]).toMatchObject({
      ...{ address: { city: 'Lagos' }, metadata: { source: 'fair' }, tags: ['a'] },
    })
    const lines = [two, ...Array.from({ length: 150 }, () => row()), { ...three, phone: '+254711000777', tags: null }]
    const ndjson = gzipSync(lines.map((each) => JSON.stringify(each)).join('\n'))
    const second = await files.check(ndjson, {}, 'application/x-ndjson')
    expect(await files.commit(second.id)).toMatchObject({ format: 'ndjson', counts: counts({ created: 152 }) })
    expect((await find('email', three['email'] ?? ''))[0]).toMatchObject({ phone: '+254711000777', tags: [] })
  })

  it('the commit of a file that was imported before returns 409 unless again is true', async () => {
    const file = csv([row()])
    const first = await files.check(file)
    await files.commit(first.id)
    const second = await files.check(file)
    expect(second).toMatchObject({ previousImportId: first.id, counts: counts({ skipped: 1 }) })
    const refused = await service.user.post(`/v1/imports/${second.id}/commit`, {})
    expect(refused).toMatchObject({ status: 409, body: { code: 'duplicate', conflictingId: first.id } })
    expect((await files.commit(second.id, { again: true })).counts).toEqual(counts({ skipped: 1 }))
  })

  it('a commit returns 409 before the dry run has ended and after an earlier commit', async () => {
    const { body } = await files.send(csv(Array.from({ length: 20_000 }, () => row())))
    expect((await service.user.post(`/v1/imports/${body.id}/commit`, {})).status).toBe(409)
    await files.rest(body.id)
    await files.commit(body.id)
    expect((await service.user.post(`/v1/imports/${body.id}/commit`, {})).status).toBe(409)
  })
})
