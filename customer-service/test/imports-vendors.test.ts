import { readFile } from 'node:fs/promises'
import { customerPresets } from '../src/imports/customer.presets.ts'
import { createImportClient } from './import-client.ts'
import { type Running, startCustomers } from './start.ts'
import { type Fields, vendorPeople, westernPeople } from './vendor-people.ts'

let service: Running
let files: ReturnType<typeof createImportClient>
beforeAll(async () => {
  service = await startCustomers()
  files = createImportClient(service.user)
})
afterAll(() => service?.stop())

type Vendor = {
  file: string
  preset: string | null
  /** What the file has that is not usual. */
  style?: Partial<Record<'encoding' | 'encodingBy' | 'delimiter' | 'headerRow', unknown>>
  mapping: Record<string, string>
  /** What the customer of a row has that the person has not. */
  differs?: (index: number, person: Fields) => Fields
  people?: Fields[]
  /** The problems of rows, by index. */
  failed?: Record<number, string[]>
}

const bom = { encodingBy: 'mark' }
const western = { encoding: 'windows-1252', encodingBy: 'guess' }
const address = (street: string, city: string, region: string, postalCode: string, country: string) => ({
  [street]: 'address.street',
  [city]: 'address.city',
  [region]: 'address.region',
  [postalCode]: 'address.postalCode',
  [country]: 'address.country',
})

const vendors: Vendor[] = [
  {
    file: 'google-contacts',
    preset: 'google-contacts',
    mapping: {
      'First Name': 'name',
      'Last Name': 'surname',
      Labels: 'tags',
      'E-mail 1 - Value': 'email',
      'Phone 1 - Value': 'phone',
      ...address(
        ...(['Address 1 - Street', 'Address 1 - City', 'Address 1 - Region'] as const),
        ...(['Address 1 - Postal Code', 'Address 1 - Country'] as const),
      ),
    },
  },
  {
    file: 'google-contacts-old',
    preset: 'google-contacts',
    style: { encoding: 'utf-16le', encodingBy: 'mark' },
    mapping: {
      'Given Name': 'name',
      'Family Name': 'surname',
      Language: 'locale',
      'Group Membership': 'tags',
      'E-mail 1 - Value': 'email',
      'Phone 1 - Value': 'phone',
      ...address(
        ...(['Address 1 - Street', 'Address 1 - City', 'Address 1 - Region'] as const),
        ...(['Address 1 - Postal Code', 'Address 1 - Country'] as const),
      ),
    },
  },
  {
    file: 'outlook-classic',
    preset: 'outlook',
    style: western,
    people: westernPeople,
    differs: () => ({ locale: undefined }),
    mapping: {
      'First Name': 'name',
      'Last Name': 'surname',
      ...address(
        ...(['Business Street', 'Business City', 'Business State', 'Business Postal Code'] as const),
        'Business Country/Region',
      ),
      'Business Phone': 'phone',
      Categories: 'tags',
      'E-mail Address': 'email',
      Language: 'locale',
    },
  },
  {
    file: 'outlook-new',
    preset: 'outlook',
    style: bom,
    mapping: {
      'First Name': 'name',
      'Last Name': 'surname',
      'E-mail Address': 'email',
      'Mobile Phone': 'phone',
      ...address('Home Street', 'Home City', 'Home State', 'Home Postal Code', 'Home Country/Region'),
    },
  },
  {
    file: 'thunderbird',
    preset: 'thunderbird',
    mapping: {
      'First Name': 'name',
      'Last Name': 'surname',
      'Primary Email': 'email',
      'Mobile Number': 'phone',
      ...address('Home Address', 'Home City', 'Home State', 'Home ZipCode', 'Home Country'),
    },
  },
  {
    file: 'shopify',
    preset: 'shopify',
    mapping: {
      'Customer ID': 'externalId',
      'First Name': 'name',
      'Last Name': 'surname',
      Email: 'email',
      ...address(
        ...(['Default Address Address1', 'Default Address City', 'Default Address Province Code'] as const),
        ...(['Default Address Zip', 'Default Address Country Code'] as const),
      ),
      Phone: 'phone',
      'Accepts SMS Marketing': 'smsOptIn',
      Tags: 'tags',
    },
    differs: (index, person) => ({
      externalId: `72104483091${String(index).padStart(2, '0')}`,
      'address.region': person['address.country'] === 'US' ? 'NV' : '',
    }),
  },
  {
    file: 'mailchimp',
    preset: 'mailchimp',
    mapping: {
      'Email Address': 'email',
      'First Name': 'name',
      'Last Name': 'surname',
      Address: 'address.street',
      'Phone Number': 'phone',
      TAGS: 'tags',
    },
    differs: (_index, person) => ({
      'address.street': ['street', 'city', 'region', 'postalCode', 'country']
        .flatMap((part) => person[`address.${part}`] || [])
        .join('  '),
    }),
    failed: { 6: ['First Name is required', 'Last Name is required'] },
  },
  {
    file: 'woocommerce-users',
    preset: 'woocommerce',
    mapping: {
      ID: 'externalId',
      user_email: 'email',
      first_name: 'name',
      last_name: 'surname',
      billing_phone: 'phone',
      ...address('billing_address_1', 'billing_city', 'billing_state', 'billing_postcode', 'billing_country'),
    },
    differs: (index) => ({ externalId: `${17 + index}` }),
  },
  {
    file: 'woocommerce-customers',
    preset: 'woocommerce',
    style: bom,
    mapping: {
      Name: 'fullName',
      Email: 'email',
      'Country / Region': 'address.country',
      City: 'address.city',
      Region: 'address.region',
      'Postal Code': 'address.postalCode',
    },
  },
  {
    file: 'salesforce-report',
    preset: 'salesforce',
    style: western,
    people: westernPeople,
    mapping: {
      'First Name': 'name',
      'Last Name': 'surname',
      ...address(
        ...(['Mailing Street', 'Mailing City', 'Mailing State/Province', 'Mailing Zip/Postal Code'] as const),
        'Mailing Country',
      ),
      Phone: 'phone',
      Email: 'email',
    },
  },
  {
    file: 'salesforce-data-loader',
    preset: 'salesforce',
    mapping: {
      ID: 'externalId',
      FIRSTNAME: 'name',
      LASTNAME: 'surname',
      ...address('MAILINGSTREET', 'MAILINGCITY', 'MAILINGSTATE', 'MAILINGPOSTALCODE', 'MAILINGCOUNTRY'),
      PHONE: 'phone',
      EMAIL: 'email',
    },
    differs: (index) => ({ externalId: `003500000${index}XyZ1AAQA` }),
  },
  {
    file: 'hubspot',
    preset: 'hubspot',
    mapping: {
      'Record ID': 'externalId',
      'First Name': 'name',
      'Last Name': 'surname',
      Email: 'email',
      'Phone Number': 'phone',
      ...address('Street Address', 'City', 'State/Region', 'Postal Code', 'Country/Region'),
      'Preferred language': 'locale',
    },
    differs: (index) => ({ externalId: `${7201 + index}` }),
    failed: { 6: ['First Name is required', 'Last Name is required'] },
  },
  {
    file: 'quickbooks',
    preset: 'quickbooks',
    style: { headerRow: 4 },
    mapping: {
      'Full name': 'fullName',
      'Phone numbers': 'phone',
      Email: 'email',
      'Billing address': 'address.street',
    },
    differs: (_index, person) => ({
      'address.street': `${person['address.street']}\n${person['address.postalCode']} ${person['address.city']}`,
    }),
  },
  {
    file: 'square',
    preset: 'square',
    mapping: {
      'First Name': 'name',
      'Last Name': 'surname',
      'Email Address': 'email',
      'Phone Number': 'phone',
      'Street Address 1': 'address.street',
      City: 'address.city',
      State: 'address.region',
      'Postal Code': 'address.postalCode',
      'Square Customer ID': 'externalId',
    },
    differs: (index) => ({ externalId: `JDKYHBWT1D4F8MFH63DBMEN8Y${index}` }),
  },
  {
    file: 'stripe',
    preset: 'stripe',
    mapping: {
      id: 'externalId',
      Email: 'email',
      Name: 'fullName',
      ...address(
        ...(['Card Address Line1', 'Card Address City', 'Card Address State', 'Card Address Zip'] as const),
        'Card Address Country',
      ),
    },
    differs: (index) => ({ externalId: `cus_NffrFeUfNV2Hi${index}` }),
  },
  {
    file: 'brevo',
    preset: 'brevo',
    style: { delimiter: ';' },
    mapping: {
      'CONTACT ID': 'externalId',
      EMAIL: 'email',
      FIRSTNAME: 'name',
      LASTNAME: 'surname',
      SMS: 'phone',
      INTERESTS: 'tags',
      SMS_BLACKLISTED: 'smsOptOut',
    },
    differs: (index) => ({ externalId: `${41 + index}` }),
    failed: { 6: ['FIRSTNAME is required', 'LASTNAME is required'] },
  },
  {
    file: 'klaviyo',
    preset: 'klaviyo',
    mapping: {
      Email: 'email',
      'Klaviyo ID': 'externalId',
      'First Name': 'name',
      'Last Name': 'surname',
      'Phone Number': 'phone',
      ...address('Address', 'City', 'State / Region', 'Zip Code', 'Country'),
      'SMS Marketing Consent': 'smsOptIn',
      Locale: 'locale',
    },
    differs: (index) => ({ externalId: `01GDDKASAP8TKDDA2GRZDSVP4${index}` }),
  },
  {
    file: 'pipedrive',
    preset: 'pipedrive',
    mapping: {
      'Person - ID': 'externalId',
      'Person - First name': 'name',
      'Person - Last name': 'surname',
      'Person - Label': 'tags',
      'Person - Email - Work': 'email',
      'Person - Phone - Work': 'phone',
      ...address(
        ...(['Person - Postal address', 'Person - City/town/village/locality of Postal address'] as const),
        ...(['Person - State/county of Postal address', 'Person - ZIP/Postal code of Postal address'] as const),
        'Person - Country of Postal address',
      ),
    },
    differs: (index, person) => ({
      externalId: `${311 + index}`,
      'address.street': expect.stringContaining(`${person['address.street']}, ${person['address.postalCode']} `),
    }),
  },
  {
    file: 'zoho',
    preset: 'zoho',
    mapping: {
      'Record Id': 'externalId',
      'First Name': 'name',
      'Last Name': 'surname',
      Email: 'email',
      Phone: 'phone',
      ...address('Mailing Street', 'Mailing City', 'Mailing State', 'Mailing Zip', 'Mailing Country'),
      Tag: 'tags',
    },
    differs: (index) => ({ externalId: `zcrm_57238930000004480${String(index).padStart(2, '0')}` }),
  },
  {
    file: 'wix',
    preset: 'wix',
    style: bom,
    mapping: {
      'First Name': 'name',
      'Last Name': 'surname',
      'Email 1': 'email',
      'Phone 1': 'phone',
      ...address(
        ...(['Address 1 - Street', 'Address 1 - City', 'Address 1 - State/Region', 'Address 1 - Zip'] as const),
        'Address 1 - Country',
      ),
      Labels: 'tags',
      'SMS subscriber status': 'smsOptIn',
      Language: 'locale',
    },
  },
  {
    file: 'xero',
    preset: 'xero',
    mapping: {
      AccountNumber: 'externalId',
      EmailAddress: 'email',
      FirstName: 'name',
      LastName: 'surname',
      ...address('POAddressLine1', 'POCity', 'PORegion', 'POPostalCode', 'POCountry'),
      PhoneNumber: 'phone',
    },
    differs: (index) => ({ externalId: `C-${100 + index}` }),
  },
  {
    file: 'prestashop',
    preset: 'prestashop',
    style: { delimiter: ';' },
    mapping: {
      ID: 'externalId',
      'First name': 'name',
      'Last name': 'surname',
      'Email address': 'email',
      Group: 'tags',
    },
    differs: (index) => ({ externalId: `${3 + index}`, tags: ['Customer'] }),
  },
  {
    file: 'magento',
    preset: 'magento',
    mapping: {
      ID: 'externalId',
      Name: 'fullName',
      Email: 'email',
      Group: 'tags',
      Phone: 'phone',
      ...address('Street Address', 'City', 'State/Province', 'ZIP', 'Country'),
    },
    differs: (index) => ({ externalId: `${5 + index}`, tags: [index === 0 ? 'Wholesale' : 'General'] }),
  },
  {
    file: 'bigcommerce',
    preset: 'bigcommerce',
    mapping: {
      'Customer ID': 'externalId',
      'First Name': 'name',
      'Last Name': 'surname',
      'Email Address': 'email',
      Phone: 'phone',
      'Customer Group': 'tags',
      ...address(
        ...(['Address Line 1 - 1', 'Address City - 1', 'Address State - 1', 'Address Zip - 1'] as const),
        'Address Country - 1',
      ),
    },
    differs: (index) => ({ externalId: `${21 + index}`, tags: index === 0 ? ['Wholesale'] : undefined }),
  },
  {
    file: 'excel-german',
    preset: null,
    style: { ...western, delimiter: ';' },
    people: westernPeople,
    mapping: {
      'Kundennr.': 'externalId',
      Vorname: 'name',
      Nachname: 'surname',
      'E-Mail-Adresse': 'email',
      Mobil: 'phone',
      'Straße und Hausnummer': 'address.street',
      PLZ: 'address.postalCode',
      Ort: 'address.city',
      Land: 'address.country',
      Sprache: 'locale',
      Gruppe: 'tags',
    },
    differs: (index, { locale }) => ({ externalId: `${10_001 + index}`, locale: String(locale).slice(0, 2) }),
  },
  {
    file: 'excel-french',
    preset: null,
    style: { ...western, delimiter: ';' },
    people: westernPeople,
    mapping: {
      'Référence client': 'externalId',
      Prénom: 'name',
      Nom: 'surname',
      Courriel: 'email',
      'Tél. portable': 'phone',
      Adresse: 'address.street',
      'Code postal': 'address.postalCode',
      Ville: 'address.city',
      Pays: 'address.country',
      Langue: 'locale',
      Groupes: 'tags',
      'Désinscrit SMS': 'smsOptOut',
    },
    differs: (index, { locale }) => ({
      externalId: `CL${String(index + 1).padStart(3, '0')}`,
      locale: String(locale).slice(0, 2),
    }),
  },
]

const setBy: Record<string, string[]> = { fullName: ['name', 'surname'], smsOptIn: ['smsOptOut'] }

/** A whole name is split at its last space. */
const splitNames = ({ name, surname }: Fields): Fields => {
  const words = `${name} ${surname}`.split(' ')
  return { name: words.slice(0, -1).join(' '), surname: words.at(-1) }
}

/** The customer that a row becomes: what the person has of the fields that columns are mapped to. */
const expectedCustomer = ({ mapping, differs, people = vendorPeople }: Vendor, index: number) => {
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
