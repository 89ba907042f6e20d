import type { Ledger } from '../ledger.ts'
import type { Query } from './query.ts'

type Row = { id: string; version: number; mark: string; photo: string | null; trashed: boolean }
const maxErrors = 20

/** Compares all customers with the ledger: each has the acknowledged version, data, photo and state. @returns the differences */
export const checkCustomers = async (query: Query, { customers }: Ledger): Promise<string[]> => {
  const rows = await query<Row>(
    'customer-service',
    `select id, version, metadata->>'mark' as mark, photo_media_id as photo, deleted_at is not null as trashed from customers`,
    [],
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  const errors: string[] = []
  for (const customer of customers.filter(({ certain }) => certain)) {
    const row = byId.get(customer.id)
    if (customer.state === 'purged') {
      if (row) errors.push(`${customer.id} was purged but still exists`)
      continue
    }
    if (!row) {
      errors.push(`${customer.id} is missing`)
      continue
    }
    const actual = { version: row.version, mark: row.mark, trashed: row.trashed, photo: row.photo }
    const expected = {
      version: customer.version,
      mark: customer.mark,
      trashed: customer.state === 'trash',
      photo: customer.photo === 'unknown' ? row.photo : customer.photo,
    }
    if (JSON.stringify(actual) !== JSON.stringify(expected))
      errors.push(`${customer.id} is ${JSON.stringify(actual)} instead of the acknowledged ${JSON.stringify(expected)}`)
  }
  return errors.slice(0, maxErrors)
}
