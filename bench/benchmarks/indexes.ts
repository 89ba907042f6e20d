import { testDatabase } from '@clientele/platform/testing/database'
import type pg from 'pg'
import type { Benchmark, Figure } from '../benchmark.ts'
import { asSuperuser } from '../postgres-backends.ts'
import { cpuOf } from '../process.ts'
import { medianOf } from '../requests.ts'
import { seedCustomers } from './customers-seed.ts'

const existingRows = 50_000
const rows = 4_000
const rounds = 5

// New customers are copies of existing ones with other unique values.
const insert = `insert into customers (id, code, external_id, name, surname, email, phone, tags, address, locale, metadata, search_text,
  created_at, created_by, created_by_name, updated_at, updated_by, updated_by_name, version)
select gen_random_uuid(), 'CUS-' || (1000000 + code_number), 'new-' || code_number, name, surname, 'new.' || email, phone, tags, address,
  locale, metadata, search_text || ' new-' || code_number, now(), created_by, created_by_name, now(), updated_by, updated_by_name, 1
from customers where deleted_at is null and email is not null order by created_at limit ${rows}`

const update = `update customers set name = name || 'a', metadata = metadata || '{"points": 4000}', search_text = 'a' || search_text,
  updated_at = now(), version = version + 1
where id in (select id from customers where deleted_at is null order by created_at limit ${rows})`

const selectIndexes = `select indexrelid::regclass::text as name from pg_index
where indrelid = 'customers'::regclass and not indisprimary
  and not exists (select from pg_constraint where conindid = indexrelid) order by 1`

/** The µs of CPU per row that PostgreSQL needs for a statement, as the table is, or after the statement `before`. Everything is rolled back. */
const measure = async (client: pg.Client, pid: number, statement: string, before?: string): Promise<number> => {
  await client.query('begin')
  try {
    if (before !== undefined) await client.query(before)
    const used = cpuOf(pid)
    await client.query(statement)
    return (cpuOf(pid) - used) / rows
  } finally {
    await client.query('rollback')
  }
}

export const indexes: Benchmark = {
  name: 'indexes',
  about: `What each index of the table of customers costs PostgreSQL when a customer is written: the CPU time of inserting ${rows} rows into ${existingRows}, and of changing name, metadata and search text of as many, less that without the index, without any, and without the triggers that record editors and search texts. Medians of ${rounds} rounds; differences below 10 µs are noise. What GIN indexes put off to their next clean-up is not counted.`,
  run: async (bench): Promise<Figure[]> => {
    const migrations = new URL('../../customer-service/migrations/', import.meta.url)
    const database = await testDatabase({ schema: 'customers', migrations })
    const measureAll = async (client: pg.Client): Promise<Figure[]> => {
      const { rows: backends } = await client.query<{ pid: number }>('select pg_backend_pid() as pid')
      const pid = backends[0]?.pid ?? 0
      const names = (await client.query<{ name: string }>(selectIndexes)).rows.map(({ name }) => name)
      const changes: [what: string, before: string][] = [
        ...names.map((name): [string, string] => [name, `drop index ${name}`]),
        ['all indexes but the primary key', `drop index ${names.join(', ')}`],
        ['triggers', 'alter table customers disable trigger user'],
      ]
      const figures: Figure[] = []
      for (const [what, statement] of [
        ['insert', insert],
        ['update', update],
      ] as const) {
        const whole: number[] = []
        const without = changes.map((): number[] => [])
        for (let round = 0; round < rounds; round += 1) {
          whole.push(await measure(client, pid, statement))
          for (const [index, [, before]] of changes.entries())
            without[index]?.push(await measure(client, pid, statement, before))
        }
        bench.log(`${what}: ${medianOf(whole).toFixed(1)} µs`)
        figures.push({ what: `${what}: CPU of a row`, value: medianOf(whole), unit: 'µs' })
        for (const [index, [name]] of changes.entries())
          figures.push({
            what: `${what}: ${name}`,
            value: medianOf(whole) - medianOf(without[index] ?? []),
            unit: 'µs',
          })
      }
      return figures
    }
    try {
      await seedCustomers(database.url, existingRows)
      return await asSuperuser(database.url, measureAll, '-c search_path=customers,public')
    } finally {
      await database.drop()
    }
  },
}
