import type { ImportCounts } from '@clientele/contracts/imports/import'

/** What kind of row `n` is: of a hundred, one is invalid, one changes the row before it and one repeats that change. */
const kindOf = (n: number): 'new' | 'wrong' | 'change' | 'repeat' => {
  if (n % 100 === 50) return 'wrong'
  if (n % 100 === 60) return 'change'
  return n % 100 === 61 ? 'repeat' : 'new'
}

const line = (n: number): string => {
  const kind = kindOf(n)
  if (kind === 'wrong') return `Ana ${n},Lovelace,ana at example,,shop-${n}`
  const base = kind === 'change' ? n - 1 : kind === 'repeat' ? n - 2 : n
  const surname = kind === 'new' ? `Lovelace ${base}` : `Changed ${base}`
  return `Ana ${base},${surname},ana.${base}@example.com,+25471${String(base % 10_000_000).padStart(7, '0')},shop-${base}`
}

/** Yields a CSV file of `rows` rows in chunks. */
export function* csvLines(rows: number): Generator<string> {
  yield 'name,surname,email,phone,external id\n'
  for (let from = 0; from < rows; from += 1_000) {
    const chunk = Array.from({ length: Math.min(1_000, rows - from) }, (_, index) => line(from + index))
    yield `${chunk.join('\n')}\n`
  }
}

/** The counts of an import of that file into an empty database. */
export const expectedCounts = (rows: number): ImportCounts => {
  const counts = { read: rows, created: 0, updated: 0, skipped: 0, failed: 0 }
  const outcome = { new: 'created', wrong: 'failed', change: 'updated', repeat: 'skipped' } as const
  for (let n = 0; n < rows; n += 1) counts[outcome[kindOf(n)]] += 1
  return counts
}

/** SQL for customers that differ from the file. It must return no row. */
export const unexpectedCustomers = `select id from customers where
  email is distinct from 'ana.' || substr(external_id, 6) || '@example.com'
  or name is distinct from 'Ana ' || substr(external_id, 6)
  or (substr(external_id, 6)::int % 100 = 59) is distinct from (surname = 'Changed ' || substr(external_id, 6))
  or version <> case when substr(external_id, 6)::int % 100 = 59 then 2 else 1 end limit 5`
