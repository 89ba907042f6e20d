/** Twenty invented people. Numbers are from ranges kept for fiction; addresses end in example.com. */
export type DemoPerson = { name: string; surname: string; phone: string; city: string; country: string; tags: string[] }

const person = (
  name: string,
  surname: string,
  phone: string,
  city: string,
  country: string,
  ...tags: string[]
): DemoPerson => ({
  name,
  surname,
  phone,
  city,
  country,
  tags,
})

export const demoPeople: DemoPerson[] = [
  person('Ana', 'Lovelace', '+441632960101', 'Bristol', 'GB', 'retail'),
  person('Bram', 'de Wit', '+31201234501', 'Amsterdam', 'NL', 'wholesale'),
  person('Chidi', 'Okafor', '+2348031234502', 'Lagos', 'NG', 'wholesale', 'vip'),
  person('Dana', 'Petrova', '+35929876503', 'Sofia', 'BG', 'retail'),
  person('Esteban', 'Rojas', '+56221234504', 'Santiago', 'CL', 'retail'),
  person('Fatou', 'Diallo', '+221338123405', 'Dakar', 'SN', 'vip'),
  person('Grace', 'Wanjiru', '+254711000106', 'Nairobi', 'KE', 'retail', 'newsletter'),
  person('Hiro', 'Tanaka', '+81312345607', 'Tokyo', 'JP', 'wholesale'),
  person('Inés', 'Molina', '+34911234508', 'Madrid', 'ES', 'newsletter'),
  person('Jonas', 'Lindqvist', '+4681234509', 'Stockholm', 'SE', 'retail'),
  person('Kavya', 'Nair', '+918041234510', 'Bengaluru', 'IN', 'vip', 'newsletter'),
  person('Liam', 'Byrne', '+35312345611', 'Dublin', 'IE', 'retail'),
  person('Mariam', 'Haddad', '+96171123412', 'Beirut', 'LB', 'wholesale'),
  person('Nikolai', 'Sørensen', '+4533123413', 'København', 'DK', 'retail'),
  person('Olívia', 'Almeida', '+551131234514', 'São Paulo', 'BR', 'newsletter'),
  person('Pita', 'Tamatea', '+6444123415', 'Wellington', 'NZ', 'retail'),
  person('Quynh', 'Trần', '+842438123416', 'Hà Nội', 'VN', 'wholesale'),
  person('Rosa', 'Marchetti', '+390612345617', 'Roma', 'IT', 'vip'),
  person('Samuel', 'Mwangi', '+254711000118', 'Mombasa', 'KE', 'retail'),
  person('Théa', 'Laurent', '+33140123419', 'Lyon', 'FR', 'newsletter'),
]

/** `Olívia Almeida` → `olivia.almeida@example.com` */
export const demoEmail = ({ name, surname }: DemoPerson): string =>
  `${[name, surname]
    .join('.')
    .normalize('NFD')
    .replace(/[\u0300-\u036f]/g, '')
    .replace(/ø/g, 'o')
    .replace(/\s+/g, '')
    .toLowerCase()}@example.com`
