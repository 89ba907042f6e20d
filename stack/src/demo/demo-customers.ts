/** An invented customer. Telephone numbers are from ranges reserved for fiction; e-mail addresses end in example.com. */
export type DemoCustomer = {
  name: string
  surname: string
  phone: string
  city: string
  country: string
  tags: string[]
}

const demoCustomer = (
  name: string,
  surname: string,
  phone: string,
  city: string,
  country: string,
  ...tags: string[]
): DemoCustomer => ({
  name,
  surname,
  phone,
  city,
  country,
  tags,
})

export const demoCustomers: DemoCustomer[] = [
  demoCustomer('Ana', 'Lovelace', '+441632960101', 'Bristol', 'GB', 'retail'),
  demoCustomer('Bram', 'de Wit', '+31201234501', 'Amsterdam', 'NL', 'wholesale'),
  demoCustomer('Chidi', 'Okafor', '+2348031234502', 'Lagos', 'NG', 'wholesale', 'vip'),
  demoCustomer('Dana', 'Petrova', '+35929876503', 'Sofia', 'BG', 'retail'),
  demoCustomer('Esteban', 'Rojas', '+56221234504', 'Santiago', 'CL', 'retail'),
  demoCustomer('Fatou', 'Diallo', '+221338123405', 'Dakar', 'SN', 'vip'),
  demoCustomer('Grace', 'Wanjiru', '+254711000106', 'Nairobi', 'KE', 'retail', 'newsletter'),
  demoCustomer('Hiro', 'Tanaka', '+81312345607', 'Tokyo', 'JP', 'wholesale'),
  demoCustomer('Inés', 'Molina', '+34911234508', 'Madrid', 'ES', 'newsletter'),
  demoCustomer('Jonas', 'Lindqvist', '+4681234509', 'Stockholm', 'SE', 'retail'),
  demoCustomer('Kavya', 'Nair', '+918041234510', 'Bengaluru', 'IN', 'vip', 'newsletter'),
  demoCustomer('Liam', 'Byrne', '+35312345611', 'Dublin', 'IE', 'retail'),
  demoCustomer('Mariam', 'Haddad', '+96171123412', 'Beirut', 'LB', 'wholesale'),
  demoCustomer('Nikolai', 'Sørensen', '+4533123413', 'København', 'DK', 'retail'),
  demoCustomer('Olívia', 'Almeida', '+551131234514', 'São Paulo', 'BR', 'newsletter'),
  demoCustomer('Pita', 'Tamatea', '+6444123415', 'Wellington', 'NZ', 'retail'),
  demoCustomer('Quynh', 'Trần', '+842438123416', 'Hà Nội', 'VN', 'wholesale'),
  demoCustomer('Rosa', 'Marchetti', '+390612345617', 'Roma', 'IT', 'vip'),
  demoCustomer('Samuel', 'Mwangi', '+254711000118', 'Mombasa', 'KE', 'retail'),
  demoCustomer('Théa', 'Laurent', '+33140123419', 'Lyon', 'FR', 'newsletter'),
]

/** `Olívia Almeida` → `olivia.almeida@example.com` */
export const demoEmail = ({ name, surname }: DemoCustomer): string =>
  `${[name, surname]
    .join('.')
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/ø/g, 'o')
    .replace(/\s+/g, '')
    .toLowerCase()}@example.com`

type DemoChange = {
  customer: number
  changes: {
    phone?: string
    email?: string
    tags?: string[]
    address?: { street: string; city: string; country: string }
  }
}

/** What users have changed since, so that timelines have something to tell. `customer` is the customer's number from 1. */
export const demoChanges: DemoChange[] = [
  { customer: 1, changes: { phone: '+441632960199' } },
  { customer: 1, changes: { tags: ['retail', 'vip'] } },
  { customer: 5, changes: { email: 'hola.rojas@example.com' } },
  { customer: 7, changes: { address: { street: 'Moi Avenue 12', city: 'Nairobi', country: 'KE' } } },
]
