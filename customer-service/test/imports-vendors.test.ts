import { readFile } from 'node:fs/promises'
import { customerPresets } from '../src/imports/customer.presets.ts'
import { createImportClient } from './import-client.ts'
import { type Running, startCustomers } from './start.ts'
import type { VendorExport } from './vendor-export.ts'
import { contactExports } from './vendor-exports-contacts.ts'
import { shopExports } from './vendor-exports-shops.ts'
import { type Fields, vendorPeople } from './vendor-people.ts'

let service: Running
let files: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers()
  files = createImportClient(service.user)
})
afterAll(() => service?.stop())

const vendors = [...contactExports, ...shopExports]

const setBy: Record<string, string[]> = { fullName: ['name', 'surname'], smsOptIn: ['smsOptOut'] }

/** A whole name is split at its last space. */
const splitNames = ({ name, surname }: Fields): Fields => {
  const words = `${name} ${surname}`.split(' ')
  return { name: words.slice(0, -1).join(' '), surname: words.at(-1) }
}

/** The customer that a row becomes: what the person has of the fields that columns are mapped to. */
const expectedCustomer = ({ mapping, differs, people = vendorPeople }: VendorExport, index: number) => {
  const person = people[index] ?? {}
  const fields = Object.values(mapping)
  const names = fields.includes('fullName') ? splitNames(person) : {}
  const all: Fields = { ...person, ...names, ...differs?.(index, person) }
  const customer: Fields = {}
  const address: Fields = {}
  for (const field of fields.flatMap((mapped) => setBy[mapped] ?? [mapped])) {
    const value = all[field]
    if (value === undefined || value === '') continue
    if (field.startsWith('address.')) address[field.slice('address.'.length)] = value
    else customer[field] = value
  }
  return Object.keys(address).length === 0 ? customer : { ...customer, address }
}

const fixture = (file: string): Promise<Buffer> => readFile(new URL(`fixtures/vendors/${file}.csv`, import.meta.url))
const preview = async (id: string) => (await service.user.get(`/v1/imports/${id}/preview`)).body.rows

describe('Exports of other programs', () => {
  it.each(vendors)('$file is understood', async (vendor) => {
    const { file, preset, style, mapping, failed = {} } = vendor
    const checked = await files.check(await fixture(file))
    expect(checked.mapping).toEqual(mapping)
    const usual = { encoding: 'utf-8', encodingBy: 'valid', delimiter: ',', headerRow: 1 }
    expect(checked).toMatchObject({ preset, ...usual, ...style })
    const rows = await preview(checked.id)
    for (const [index, { outcome, values, errors }] of rows.entries()) {
      const messages = errors.map(({ message }: { message: string }) => message)
      expect(messages).toEqual(failed[index] ?? [])
      if (outcome !== 'failed') expect(values).toEqual(expectedCustomer(vendor, index))
    }
    const failures = Object.keys(failed).length
    expect(checked.counts).toEqual({ read: 10, created: 10 - failures, updated: 0, skipped: 0, failed: failures })
  })

  it('there is a file for each preset', () => {
    const tested = new Set(vendors.map(({ preset }) => preset))
    expect(Object.keys(customerPresets).filter((name) => !tested.has(name))).toEqual([])
  })
})

describe('The preset of an import', () => {
  it('a preset that is chosen suggests the mapping, and `none` chooses none', async () => {
    const text = 'Person - Name,SMS\nAna Berg,4930901820\n'
    const recognised = await files.check(text)
    expect(recognised.preset).toBe('pipedrive')
    const none = await files.check(text, { preset: 'none' })
    expect(none).toMatchObject({ preset: null, mapping: { SMS: 'phone' }, counts: { failed: 1 } })
    const brevo = await files.check(text, { preset: 'brevo', mapping: '{"Person - Name":"fullName","SMS":"phone"}' })
    expect(brevo).toMatchObject({ preset: 'brevo', counts: { created: 1 } })
    expect((await preview(brevo.id))[0].values).toEqual({ name: 'Ana', surname: 'Berg', phone: '+4930901820' })
  })

  it('PATCH changes the preset and suggests the mapping again, unless it has one', async () => {
    const { id, mapping } = await files.check(await fixture('pipedrive'))
    const none = await service.user.patch(`/v1/imports/${id}`, { preset: 'none' })
    expect(none.body.preset).toBeNull()
    expect(none.body.mapping).not.toEqual(mapping)
    await files.rest(id)
    const own = { 'Person - Email - Work': 'email' }
    const changed = await service.user.patch(`/v1/imports/${id}`, { preset: 'stripe', mapping: own })
    expect(changed.body).toMatchObject({ preset: 'stripe', mapping: own })
    await files.rest(id)
    await service.user.patch(`/v1/imports/${id}`, { onMatch: 'skip' })
    expect(await files.rest(id)).toMatchObject({ preset: 'stripe', mapping: own })
    const back = await service.user.patch(`/v1/imports/${id}`, { preset: 'pipedrive' })
    expect(back.body).toMatchObject({ preset: 'pipedrive', mapping })
  })

  it('an unknown preset is refused', async () => {
    const { status, body } = await files.send('name,surname\nAna,Berg\n', { preset: 'nosuch' })
    expect({ status, parameter: body.errors[0].parameter }).toEqual({ status: 400, parameter: 'preset' })
  })
})

describe('Messages about fields that other fields set', () => {
  it('name the column of a whole name or of a consent', async () => {
    const text = 'Full name,Email,SMS opt in\nAna,a.msg@example.com,yes\n,b.msg@example.com,perhaps\n'
    const { errors } = await files.check(text, {
      mapping: '{"Full name":"fullName","Email":"email","SMS opt in":"smsOptIn"}',
    })
    expect(errors.map(({ row, pointer, message }) => [row, pointer, message])).toEqual([
      [2, '/fullName', 'Full name must have a first name and a surname'],
      [3, '/fullName', 'Full name is required'],
      [3, '/smsOptIn', expect.stringMatching(/^SMS opt in must be yes \(/)],
    ])
  })
})
