import type { Ledger } from '../ledger.ts'
import type { Query } from './query.ts'

type Row = { id: string; version: number; mark: string; photo: string | null; trashed: boolean }
const most = 20

/** Every acknowledged change of a customer is there, and nothing that was not asked for. */
export const customerFaults = async (query: Query, { customers }: Ledger): Promise<string[]> => {
  const rows = await query<Row>(
    'customer-service',
    `select id, version, metadata->>'mark' as mark, photo_media_id as photo, deleted_at is not null as trashed from customers`,
    [],
  )
  const byId = new Map(rows.map((row) => [row.id, row]))
  const faults: string[] = []
  for (const wanted of customers.filter(({ known }) => known)) {
    const row = byId.get(wanted.id)
    if (wanted.state === 'purged') {
      if (row) faults.push(`${wanted.id} was purged and is there`)
      continue
    }
    if (!row) {
      faults.push(`${wanted.id} is lost`)
      continue
    }
    const is = { version: row.version, mark: row.mark, trashed: row.trashed, photo: row.photo }
    const due = {
      version: wanted.version,
      mark: wanted.mark,
      trashed: wanted.state === 'trash',
      photo: wanted.photo === 'unknown' ? row.photo : wanted.photo,
    }
    if (JSON.stringify(is) !== JSON.stringify(due))
      faults.push(`${wanted.id} is ${JSON.stringify(is)} where ${JSON.stringify(due)} was acknowledged`)
  }
  return faults.slice(0, most)
}
