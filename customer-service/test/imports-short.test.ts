import { readFile } from 'node:fs/promises'
import { createImportClient } from './import-client.ts'
import { type Running, startCustomers } from './start.ts'

let service: Running
let files: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers()
  files = createImportClient(service.user)
})
afterAll(() => service?.stop())

const mail = (name: string, domain = 'com') => `${name}@example.${domain}`
const people: [file: string, preset: string | null, customers: object[]][] = [
  [
    'google-contacts',
    'google-contacts',
    [
      {
        ...{ name: 'Lena', surname: 'Falk', email: mail('lena.falk.short'), phone: '+4915123456789', tags: ['Kunden'] },
        address: { street: 'Am Weg 1', city: 'Berlin', postalCode: '10115', country: 'DE' },
      },
      { name: 'Omar', surname: 'Haddad', email: mail('omar.short'), phone: '+33612345678' },
    ],
  ],
  [
    'google-contacts-old',
    'google-contacts',
    [{ name: 'Lena', surname: 'Falk', email: mail('lena.short'), phone: '+4915123456789', tags: ['Kunden'] }],
  ],
  [
    'woocommerce-users',
    'woocommerce',
    [
      {
        ...{ name: 'Jan', surname: 'Kowal', email: mail('jan.short'), phone: '+48221234567' },
        address: { street: 'ul. A 1', city: 'Warszawa', postalCode: '00-001', country: 'PL' },
      },
    ],
  ],
  [
    'shopify',
    'shopify',
    [
      {
        ...{ externalId: '7210448309101', name: 'Teo', surname: 'Villar', email: mail('teo.short') },
        ...{ phone: '+17755550154', smsOptOut: true, tags: ['retail', 'ag-exempt'] },
        address: { street: 'HC 31 Box 45', city: 'Elko', region: 'NV', postalCode: '89801', country: 'US' },
      },
    ],
  ],
  ['mailchimp', 'mailchimp', [{ name: 'Marc', surname: 'Colin', email: mail('marc.short'), tags: ['VIP', 'Blog'] }]],
  [
    'salesforce-extract',
    null,
    [
      {
        ...{ externalId: '0035000000XyZ1AAQ', name: 'Elea', surname: 'Vance', email: mail('elea.short') },
        phone: '+14155558821',
      },
    ],
  ],
  [
    'french',
    null,
    [
      {
        ...{ name: 'Zoé', surname: 'Martin', email: mail('zoe.short'), phone: '+33612345679' },
        address: { postalCode: '75001', city: 'Paris', country: 'FR' },
      },
    ],
  ],
  [
    'swahili',
    null,
    [
      {
        ...{ name: 'Amina', surname: 'Otieno', phone: '+254711000106', locale: 'sw', tags: ['vip', 'wauzaji'] },
        address: { country: 'KE' },
      },
      { name: 'Juma', surname: 'Bakari', locale: 'en', address: { country: 'TZ' } },
    ],
  ],
  [
    'surname-called-name',
    null,
    [
      {
        ...{ name: 'Lena', surname: 'Falk', email: mail('lena.short', 'org'), phone: '+493023125042' },
        address: { country: 'DE' },
      },
      {
        ...{ name: 'Omar', surname: 'Haddad', email: mail('omar.short', 'org'), phone: '+493023125043' },
        address: { country: 'DE' },
      },
    ],
  ],
  [
    'countries',
    null,
    [
      { name: 'Ana', surname: 'Berg', email: mail('s08'), address: { city: 'Berlin', country: 'DE' } },
      { name: 'Ben', surname: 'Cole', email: mail('s08b'), address: { city: 'Austin', country: 'US' } },
      { name: 'Eva', surname: 'Dill', email: mail('s08c'), address: { city: 'Wien', country: 'AT' } },
    ],
  ],
  [
    'languages',
    null,
    [
      { name: 'Ana', surname: 'Berg', email: mail('s08d'), locale: 'es-419' },
      { name: 'Ben', surname: 'Cole', email: mail('s08e'), locale: 'en' },
      { name: 'Eva', surname: 'Dill', email: mail('s08f'), locale: 'en-US' },
    ],
  ],
  [
    'sms-flags',
    null,
    [
      { name: 'Ana', surname: 'Berg', email: mail('s21'), smsOptOut: true },
      { name: 'Ben', surname: 'Cole', email: mail('s21b'), smsOptOut: true },
      { name: 'Eva', surname: 'Dill', email: mail('s21c'), smsOptOut: false },
    ],
  ],
  ['unsubscribed-date', null, [{ name: 'Ana', surname: 'Berg', email: mail('s21d') }]],
]

describe('Lists of a few people', () => {
  it.each(people)('%s become customers', async (file, preset, customers) => {
    const checked = await files.check(await readFile(new URL(`fixtures/short/${file}.csv`, import.meta.url)))
    expect(checked.preset).toBe(preset)
    const { body } = await service.user.get(`/v1/imports/${checked.id}/preview`)
    expect(body.rows.map(({ values }: { values: object }) => values)).toEqual(customers)
    expect(checked.counts).toMatchObject({ created: customers.length, failed: 0 })
  })
})
