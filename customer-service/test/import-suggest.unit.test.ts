import { recognisePreset } from '@clientele/features/imports/columns/preset'
import { suggestMapping } from '@clientele/features/imports/columns/suggest-mapping'
import {
  parseCountry,
  parseEmail,
  parseLanguage,
  parsePhone,
  parseSmsOptIn,
  splitExtension,
} from '../src/imports/customer.cell-values.ts'
import { importFields, splitName } from '../src/imports/customer.import-input.ts'
import { suggestCustomer } from '../src/imports/customer.import-suggest.ts'
import { customerPresets } from '../src/imports/customer.presets.ts'

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

  it.each([['2400.00'], ['1,112,200.50'], ['40.166666666667'], ['192.168.100.12'], ['2024-05-06 07:08:09']])(
    'a column of values such as %j is no column of telephone numbers',
    (value) =>
      expect(
        suggest([
          ['Nome', 'Other'],
          ['Ana Berg', value],
          ['Ben Cole', value],
        ]),
      ).toEqual({ Nome: 'fullName' }),
  )

  it.each([['202.555.0142'], ['06.39.98.12.34'], ['(202) 555-0142'], ['+49 30 901820']])(
    'a column of values such as %j is one of telephone numbers',
    (value) =>
      expect(
        suggest([
          ['Nome', 'Other'],
          ['Ana Berg', value],
          ['Ben Cole', value],
        ]),
      ).toEqual({
        Nome: 'fullName',
        Other: 'phone',
      }),
  )

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
    ['de', 'DE'],
    ['DEU', 'DE'],
    ['ken ', 'KE'],
    ['gbr', 'GB'],
    ['Großbritannien', 'GB'],
    ['États-Unis', 'US'],
    ['Antarctica', 'AQ'],
    ['Atlantis', 'Atlantis'],
  ])('the country %j is read as %j', (text, code) => expect(parseCountry(text)).toBe(code))

  it.each([
    ['EN', 'en'],
    ['en_US', 'en-US'],
    ['pt-br', 'pt-BR'],
    ['es-419', 'es-419'],
    ['Deutsch', 'de'],
    ['Französisch', 'fr'],
    ['日本語', 'ja'],
    ['Kiswahili', 'sw'],
    ['???', '???'],
  ])('the language %j is read as %j', (text, tag) => expect(parseLanguage(text)).toBe(tag))

  it.each([
    ['\u202a+49 151 23456789\u202c', undefined, '+49 151 23456789'],
    ['+49\u00a0151\u201123456789', undefined, '+49 151-23456789'],
    ['0049 151 23456789', undefined, '+49 151 23456789'],
    ['tel:+4915123456789', undefined, '+4915123456789'],
    ['0151 23456789', 'DE', '+4915123456789'],
    ['+49 151 23456789 ::: +49 30 901820', undefined, '+49 151 23456789'],
    ['+49 151 23456789, +49 30 901820', undefined, '+49 151 23456789'],
    ['Phone:+49 30 901820 Mobile:+49 151 23456789', undefined, '+49 30 901820'],
    ['p:+4915123456789', undefined, '+4915123456789'],
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

  it('numbers that have a country code without a plus are read so where the program writes them so', () => {
    expect(parsePhone('4930901820', undefined, true)).toBe('+4930901820')
    expect(parsePhone('4930901820', undefined)).toBe('4930901820')
    expect(parsePhone('030 901820', 'DE', true)).toBe('+4930901820')
  })

  it.each([
    ['a@example.com, b@example.com', 'a@example.com'],
    ['a@example.com ::: b@example.com', 'a@example.com'],
    ['; a@example.com;', 'a@example.com'],
    ['Berg, Ana', 'Berg, Ana'],
  ])('the e-mail address %j is read as %j', (text, email) => expect(parseEmail(text)).toBe(email))

  it.each([
    ['yes', false],
    ['no', true],
    ['SUBSCRIBED', false],
    ['NEVER_SUBSCRIBED', true],
    ['Unsubscribed', true],
    ['perhaps', 'perhaps'],
    [null, null],
  ])('the consent to text messages %j is the opt-out %j', (value, optOut) => expect(parseSmsOptIn(value)).toBe(optOut))
})

const usualFields = [
  ...['name', 'surname', 'email', 'phone', 'address.street', 'address.postalCode', 'address.city', 'address.country'],
  ...['locale', 'tags'],
]

describe('The usual columns of a spreadsheet or an address book are found in', () => {
  it.each([
    ['English', 'First Name|Surname|Email|Mobile|Street|Postcode|Town|Country|Language|Groups'],
    [
      'American English',
      'First Name|Last Name|E-mail Address|Cell Phone|Street Address|ZIP Code|City|Country/Region|Language|Categories',
    ],
    ['German', 'Vorname|Nachname|E-Mail|Handy|Straße|PLZ|Ort|Land|Sprache|Gruppen'],
    [
      'German of Outlook',
      'Vorname|Nachname|E-Mail-Adresse|Mobiltelefon|Straße geschäftlich|Postleitzahl geschäftlich|Ort geschäftlich|Land/Region geschäftlich|Sprache|Kategorien',
    ],
    [
      'German of a shop',
      'Vorname|Name|Email|Telefonnummer|Strasse Hausnummer|Postleitzahl|Stadt|Staat|Sprache|Kundengruppe',
    ],
    ['French', 'Prénom|Nom|Courriel|Portable|Rue|Code postal|Ville|Pays|Langue|Groupes'],
    [
      'French of Outlook',
      'Prénom|Nom|Adresse de messagerie|Tél. mobile|Rue (bureau)|Code postal (bureau)|Ville (bureau)|Pays/Région (bureau)|Langue|Catégories',
    ],
    ['Spanish', 'Nombre|Apellidos|Correo electrónico|Móvil|Calle|Código postal|Población|País|Idioma|Etiquetas'],
    ['Spanish of America', 'Nombre|Apellido|Correo|Celular|Dirección|C.P.|Ciudad|País|Idioma|Grupo'],
    ['Portuguese', 'Nome|Apelido|E-mail|Telemóvel|Morada|Código postal|Localidade|País|Língua|Grupos'],
    ['Portuguese of Brazil', 'Nome|Sobrenome|E-mail|Celular|Endereço|CEP|Cidade|País|Idioma|Categorias'],
    ['Italian', 'Nome|Cognome|Indirizzo e-mail|Cellulare|Via|CAP|Città|Paese|Lingua|Gruppi'],
    [
      'Italian of Outlook',
      'Nome|Cognome|Indirizzo posta elettronica|Telefono cellulare|Indirizzo|Codice postale|Località|Nazione|Lingua|Categorie',
    ],
    ['Dutch', 'Voornaam|Achternaam|E-mailadres|Mobiel|Straat|Postcode|Woonplaats|Land|Taal|Groepen'],
    ['Dutch of Belgium', 'Voornaam|Naam|E-mail|Gsm|Adres|Postcode|Plaats|Land|Taal|Categorieën'],
    ['Polish', 'Imię|Nazwisko|Adres e-mail|Telefon komórkowy|Ulica|Kod pocztowy|Miejscowość|Kraj|Język|Grupy'],
    ['Russian', 'Имя|Фамилия|Электронная почта|Мобильный телефон|Улица|Индекс|Город|Страна|Язык|Группы'],
    ['Turkish', 'Ad|Soyad|E-posta|Cep telefonu|Adres|Posta kodu|İl|Ülke|Dil|Gruplar'],
    ['Turkish in capitals', 'ADI|SOYADI|E-POSTA|CEP TELEFONU|ADRES|POSTA KODU|ŞEHİR|ÜLKE|DİL|GRUPLAR'],
    [
      'Arabic',
      'الاسم الأول|اسم العائلة|البريد الإلكتروني|رقم الجوال|العنوان|الرمز البريدي|المدينة|الدولة|اللغة|المجموعات',
    ],
    ['Japanese', '名|姓|メールアドレス|携帯電話|住所|郵便番号|市区町村|国|言語|グループ'],
    ['Japanese of Outlook', '名|姓|電子メール アドレス|携帯電話|番地|郵便番号|市区町村|国/地域|言語|分類項目'],
    ['Chinese', '名字|姓氏|电子邮件地址|手机号码|街道|邮政编码|城市|国家/地区|语言|分组'],
    ['Chinese of Taiwan', '名字|姓氏|電子郵件|手機|地址|郵遞區號|城市|國家|語言|標籤'],
    ['Swahili', 'Jina la kwanza|Jina la ukoo|Barua pepe|Simu ya mkononi|Anwani|Msimbo wa posta|Mji|Nchi|Lugha|Vikundi'],
  ])('%s', (_language, names) => {
    const header = names.split('|')
    const row = ['Ana', 'Berg', 'ana@example.com', '+49 30 901820', 'Am Weg 1', '10115', 'Berlin', 'DE', 'de', 'vip']
    const mapping = suggest([header, row])
    expect(header.map((column) => mapping[column])).toEqual(usualFields)
  })

  it('a whole name beside a first name, which is no surname', () => {
    const rows = [
      ['Vorname', 'Name'],
      ['Lena', 'Lena Falk'],
      ['Omar', 'Omar Haddad'],
    ]
    expect(suggest(rows)).toEqual({ Name: 'fullName' })
  })
})

describe('Other forms of exports', () => {
  it.each([
    ['hubspot', 'Record ID - Contact|First Name|Last Name|Email|Phone Number|Contact owner|Lead Status|Create Date'],
    [
      'shopify',
      'First Name|Last Name|Email|Company|Address1|City|Province|Province Code|Country|Country Code|Zip|Phone|Accepts Marketing|Total Spent|Total Orders|Tags|Note|Tax Exempt',
    ],
    ['magento', 'email|_website|_store|confirmation|created_at|created_in|dob|firstname|gender|group_id|lastname'],
    ['brevo', 'EMAIL|LASTNAME|FIRSTNAME|SMS|EMAIL_BLACKLISTED|SMS_BLACKLISTED|ADDED_TIME|MODIFIED_TIME'],
    ['google-contacts', 'Name|Given Name|Family Name|Birthday|Notes|E-mail 1 - Value|Phone 1 - Value'],
    ['zoho', 'Record Id|Contact Owner.id|Contact Owner|First Name|Last Name|Email|Contact Name|Mailing Zip'],
    ['thunderbird', 'First Name|Last Name|Display Name|Primary Email|Screen Name|Home County|Home Post Code'],
    [null, 'First Name|Last Name|Email|Phone|Company|City|Tags'],
    [null, 'id|code|externalId|name|surname|email|phone|tags|address.city'],
    [null, 'id|email|name|created'],
  ])('%s: %s', (preset, header) => expect(recognisePreset(customerPresets, header.split('|'))).toBe(preset))
})
