/** The fields of a customer, with those of the address as `address.city`. */
export type Fields = Record<string, unknown>

type Person = {
  name: string
  surname: string
  mail: string
  phone?: string
  address: [street: string, postalCode: string, city: string, region: string, country: string]
  locale: string
  tags?: string[]
  /** Whether the person wants no text messages. */
  smsOptOut: boolean
  /** The name and address where the file's charset is Western. */
  western?: Partial<Fields>
}

const people: Person[] = [
  {
    ...{ name: 'Lena', surname: 'Falk', mail: 'lena.falk@example.com', phone: '+493023125042', locale: 'de' },
    ...{ address: ['Am Weg 1', '10115', 'Berlin', 'Berlin', 'DE'], tags: ['vip', 'wholesale'], smsOptOut: false },
  },
  {
    ...{ name: 'Zoé', surname: 'Martin-Lefèvre', mail: 'zoe.martin@example.org', phone: '+33639981234', locale: 'fr' },
    ...{
      address: ["12 rue de l'Église", '75011', 'Paris', 'Île-de-France', 'FR'],
      tags: ['newsletter'],
      smsOptOut: true,
    },
  },
  {
    ...{ name: 'Seán', surname: "O'Neill", mail: 'sean.oneill@example.net', phone: '+353209131234', locale: 'en' },
    ...{ address: ["14 St. Stephen's Row", 'D02 X285', 'Dublin', '', 'IE'], smsOptOut: true },
  },
  {
    ...{ name: 'Łukasz', surname: 'Gołębiowski', mail: 'lukasz.golebiowski@example.com', locale: 'pl' },
    ...{ address: ['ul. Długa 7/3', '90-001', 'Łódź', 'łódzkie', 'PL'], tags: ['vip'], smsOptOut: true },
    western: {
      ...{ name: 'Lukasz', surname: 'Golebiowski', 'address.street': 'ul. Dluga 7/3', 'address.city': 'Lodz' },
      'address.region': 'lodzkie',
    },
  },
  {
    ...{ name: '優希', surname: '田中', mail: 'yuki.tanaka@example.org', locale: 'ja' },
    ...{ address: ['千代田1-1', '100-0001', '東京', '', 'JP'], smsOptOut: true },
    western: { name: 'Yuki', surname: 'Tanaka', 'address.street': '1-1 Chiyoda', 'address.city': 'Tokyo' },
  },
  {
    ...{ name: 'Amina', surname: 'Wanjiru Otieno', mail: 'amina.wanjiru@example.com', phone: '+254711000106' },
    ...{ address: ['Moi Avenue 4, 2nd floor', '00100', 'Nairobi', '', 'KE'], tags: ['retail', 'newsletter'] },
    ...{ locale: 'sw', smsOptOut: false },
  },
  {
    ...{ name: 'María José', surname: 'García Núñez', mail: 'maria.jose@example.net', locale: 'es' },
    ...{ address: ['Calle Mayor 3, 2º B', '11005', 'Cádiz', 'Cádiz', 'ES'], smsOptOut: true },
  },
  {
    ...{ name: 'Grace', surname: 'Hopkins', mail: 'grace.hopkins@example.com', phone: '+12025550142', locale: 'en' },
    ...{ address: ['HC 31 Box 45', '89801', 'Elko', 'NV', 'US'], tags: ['ag-exempt', 'retail'], smsOptOut: true },
  },
  {
    ...{ name: 'Oliver', surname: 'Smith-Jones', mail: 'oliver.smith@example.org', phone: '+442079460018' },
    ...{ address: ['10 Baker "Yard"', 'NW1 6XE', 'London', '', 'GB'], locale: 'en-GB', smsOptOut: false },
  },
  {
    ...{ name: 'عمر', surname: 'حداد', mail: 'omar.haddad@example.net', locale: 'ar', tags: ['newsletter'] },
    ...{ address: ['شارع النيل 5', '11511', 'القاهرة', '', 'EG'], smsOptOut: true },
    western: { name: 'Omar', surname: 'Haddad', 'address.street': '5 Nile Street', 'address.city': 'Cairo' },
  },
]

const toFields = ({ mail, address, western, ...plain }: Person): Fields => {
  const [street, postalCode, city, region, country] = address
  const parts = { street, postalCode, city, region, country }
  const flat = Object.entries(parts).map(([key, value]): [string, string] => [`address.${key}`, value])
  return { ...plain, email: mail, ...Object.fromEntries(flat) }
}

/** The people of the files in `fixtures/vendors`, one in each row. */
export const vendorPeople: Fields[] = people.map(toFields)

/** The same people as files in a Western charset have them. */
export const westernPeople: Fields[] = people.map((person) => ({ ...toFields(person), ...person.western }))
