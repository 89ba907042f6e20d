import { suggestMapping } from '@clientele/features/imports/suggest-mapping'
import { parseCountry, parseLanguage, parsePhone, splitExtension } from '../src/imports/customer.cell-values.ts'
import { importFields, splitName } from '../src/imports/customer.import-input.ts'
import { suggestCustomer } from '../src/imports/customer.import-suggest.ts'

/** The suggested mapping of a table whose first row is the header. */
const suggest = ([header = [], ...rows]: string[][]) =>
  suggestCustomer(
    suggestMapping(header, importFields),
    rows.map((cells) => Object.fromEntries(header.map((column, index) => [column, cells[index] ?? '']))),
  ).mapping

describe('The suggested mapping of a customer import', () => {
  it.each([
    [
      'Google Contacts',
      [
        'First Name',
        'Last Name',
        'Labels',
        'E-mail 1 - Label',
        'E-mail 1 - Value',
        'Phone 1 - Value',
        'Address 1 - City',
      ],
      ['name', 'surname', 'tags', undefined, 'email', 'phone', 'address.city'],
    ],
    [
      'WooCommerce',
      [
        'user_email',
        'first_name',
        'last_name',
        'billing_first_name',
        'billing_email',
        'billing_phone',
        'billing_country',
      ],
      ['email', 'name', 'surname', undefined, undefined, 'phone', 'address.country'],
    ],
    [
      'Shopify',
      [
        'Customer ID',
        'First Name',
        'Last Name',
        'Email',
        'Default Address City',
        'Default Address Zip',
        'Phone',
        'Tags',
      ],
      ['externalId', 'name', 'surname', 'email', 'address.city', 'address.postalCode', 'phone', 'tags'],
    ],
    [
      'a French list',
      ['Prénom', 'Nom', 'Adresse e-mail', 'Téléphone', 'Ville'],
      ['name', 'surname', 'email', 'phone', 'address.city'],
    ],
    [
      'a Spanish list',
      ['Nombre', 'Apellidos', 'Correo electrónico', 'Móvil', 'País'],
      ['name', 'surname', 'email', 'phone', 'address.country'],
    ],
    [
      'a Polish list',
      ['Imię', 'Nazwisko', 'Adres e-mail', 'Telefon', 'Miasto'],
      ['name', 'surname', 'email', 'phone', 'address.city'],
    ],
    [
      'a Russian list',
      ['Имя', 'Фамилия', 'Электронная почта', 'Телефон', 'Город'],
      ['name', 'surname', 'email', 'phone', 'address.city'],
    ],
    [
      'a Dutch list',
      ['Voornaam', 'Achternaam', 'E-mailadres', 'Telefoonnummer', 'Plaats'],
      ['name', 'surname', 'email', 'phone', 'address.city'],
    ],
    [
      'a Turkish list',
      ['Ad', 'Soyad', 'E-posta', 'Cep telefonu', 'Şehir'],
      ['name', 'surname', 'email', 'phone', 'address.city'],
    ],
    [
      'an Arabic list',
      ['الاسم الأول', 'اسم العائلة', 'البريد الإلكتروني', 'الجوال', 'المدينة'],
      ['name', 'surname', 'email', 'phone', 'address.city'],
    ],
    [
      'a Japanese list',
      ['名', '姓', 'メールアドレス', '携帯電話', '郵便番号'],
      ['name', 'surname', 'email', 'phone', 'address.postalCode'],
    ],
    ['a Chinese list', ['名字', '姓', '邮箱', '手机', '城市'], ['name', 'surname', 'email', 'phone', 'address.city']],
    ['Telephone beside Mobile', ['Telephone', 'Mobile'], [undefined, 'phone']],
  ])('%s: columns are found by their names', (_program, header, fields) => {
    const mapping = suggestMapping(header, importFields)
    expect(header.map((column) => mapping[column])).toEqual(fields)
  })

  it('a column of e-mail addresses or telephone numbers is found by its values if none is named so', () => {
    const rows = [
      ['Nome', 'Kontakt A', 'Kontakt B', 'Since', 'Number'],
      ['Ana Berg', 'ana@example.com', '+39 06 1234567', '2024-02-01', '1234567'],
      ['Ben Cole', '', '06-7654321', '2024-02-02', '7654321'],
    ]
    expect(suggest(rows)).toEqual({ Nome: 'fullName', 'Kontakt A': 'email', 'Kontakt B': 'phone' })
    expect(
      suggest([
        ['First name', 'Notes'],
        ['Ana', 'call'],
        ['Ben', 'ben@example.com'],
      ]),
    ).toEqual({ 'First name': 'name' })
  })

  it.each([[['Name', 'Given Name', 'Family Name']], [['NAME', 'FIRSTNAME', 'LASTNAME']]])(
    'the whole name beside first and last name is left out: %j',
    (header) => {
      const [, first = '', last = ''] = header
      expect(suggest([header, ['Lena Falk', 'Lena', 'Falk']])).toEqual({ [first]: 'name', [last]: 'surname' })
    },
  )

  it('columns whose values contradict their names are left out', () => {
    const header = ['First name', 'Reference', 'Unsubscribed']
    expect(suggest([header, ['Ana', 'Facebook', '2024-02-01 10:00'], ['Ben', 'Facebook', '']])).toEqual({
      'First name': 'name',
    })
    expect(suggest([header, ['Ana', 'R-1', 'WAHR'], ['Ben', 'R-2', 'off']])).toEqual({
      'First name': 'name',
      Reference: 'externalId',
      Unsubscribed: 'smsOptOut',
    })
  })
})

describe('The values of a customer import', () => {
  it.each([
    ['Berg, Ana Maria', { name: 'Ana Maria', surname: 'Berg' }],
    ['Ana Maria Berg', { name: 'Ana Maria', surname: 'Berg' }],
    ['Acme, Inc.', { name: 'Acme,', surname: 'Inc.' }],
    ['Ana', { name: 'Ana' }],
  ])('the whole name %j is split into %j', (text, names) => expect(splitName(text)).toEqual(names))

  it.each([
    ['Germany', 'DE'],
    ['Deutschland', 'DE'],
    ['Allemagne', 'DE'],
    ['AT ', 'AT'],
    ['United States', 'US'],
    ['USA', 'US'],
    ['UK', 'GB'],
    ['Польша', 'PL'],
    ['ドイツ', 'DE'],
    ['Türkiye', 'TR'],
    ['DEU', 'DE'],
    ['gbr', 'GB'],
    ['de', 'DE'],
    ['Antarctica', 'AQ'],
    ['Atlantis', 'Atlantis'],
  ])('the country %j is read as %j', (text, code) => expect(parseCountry(text)).toBe(code))

  it.each([
    ['EN', 'en'],
    ['en_US', 'en-US'],
    ['pt-br', 'pt-BR'],
    ['es-419', 'es-419'],
    ['???', '???'],
  ])('the language %j is read as %j', (text, tag) => expect(parseLanguage(text)).toBe(tag))

  it.each([
    ['\u202a+49 151 23456789\u202c', undefined, '+49 151 23456789'],
    ['+49\u00a0151\u201123456789', undefined, '+49 151-23456789'],
    ['0049 151 23456789', undefined, '+49 151 23456789'],
    ['tel:+4915123456789', undefined, '+4915123456789'],
    ['0151 23456789', 'DE', '+4915123456789'],
    ['+49 151 23456789 ::: +49 30 901820', undefined, '+49 151 23456789'],
    ['2.54711E+11', 'KE', '2.54711E+11'],
    ['no number', 'DE', 'no number'],
  ])('the telephone number %j in a row with the country %j is read as %j', (text, country, number) =>
    expect(parsePhone(text, country)).toBe(number),
  )

  it.each([
    ['+49 30 901820 ext. 12', '+49 30 901820', '12'],
    ['(030) 901820, Ext 12', '(030) 901820', '12'],
    ['+1 212 555 0123 x4', '+1 212 555 0123', '4'],
    ['+1-212-555-0123#45', '+1-212-555-0123', '45'],
    ['tel:+49-30-901820;ext=7', 'tel:+49-30-901820', '7'],
    ['030 901820 (Durchwahl: 33)', '030 901820', '33'],
    ['030 901820 DW 33', '030 901820', '33'],
    ['+33 1 23 45 67 89 poste 5', '+33 1 23 45 67 89', '5'],
    ['+49 151 23456789', '+49 151 23456789', undefined],
    ['ext. 12', 'ext. 12', undefined],
  ])('the telephone number %j is split into %j and %j', (text, number, extension) =>
    expect(splitExtension(text)).toEqual({ number, ...(extension !== undefined && { extension }) }),
  )
})
