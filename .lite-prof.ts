import { connectDb } from './platform/src/db.ts'
import { testDatabase } from './platform/src/testing/database.ts'
import { createBulkWriter } from './customer-service/src/customers/customer.bulk.ts'
import { createFinder } from './customer-service/src/customers/customer.finder.ts'
import { createInputs } from './customer-service/src/customers/customer.input.ts'
import { createCustomerImport } from './customer-service/src/imports/customer.import.ts'
import { createUserNames } from './customer-service/src/people/user-name.ts'
import { connectionOf } from './platform/src/transaction.ts'
import { cpuUsage } from 'node:process'
const database = await testDatabase({ schema: 'customers', migrations: new URL('./customer-service/migrations/', import.meta.url) })
const db = await connectDb(database.config, 'customers')
const times = new Map<string, number>()
const plain = db.query
const wrapped = { ...db, query: async (sql: string, values: unknown[], o: any) => { const f = performance.now(); try { return await (plain as any)(sql, values, o) } finally { const n = o?.name ?? sql.slice(0, 20); times.set(n, (times.get(n) ?? 0) + performance.now() - f) } } } as any
const inputs = createInputs({ requiredFields: ['name', 'surname'] })
const target = createCustomerImport({ inputs, finder: createFinder(wrapped), bulk: createBulkWriter({ db: wrapped }), userNames: createUserNames(wrapped) })
const N = Number(process.argv[2] ?? 10000), B = Number(process.argv[3] ?? 500)
let check = 0, apply = 0
const c0 = process.cpuUsage()
for (let at = 0; at < N; at += B) {
  let f = performance.now()
  const rows = Array.from({ length: B }, (_, i) => { const n = at + i; return target.check({ name: `Ana ${n % 5000}`, surname: `Lovelace ${n}`, email: `ana.${n}@example.com`, phone: `+25471${String(n).padStart(7, '0')}`, tags: `retail;r${n % 40}`, 'address.city': 'Nairobi', 'address.country': 'KE', externalId: `shop-${n}` }, { matchBy: 'email', onMatch: 'update' }) })
  check += performance.now() - f
  f = performance.now()
  await wrapped.transaction((tx: any) => target.apply(rows.map((r: any) => r.input), { matchBy: 'email', onMatch: 'update' }, { id: 'x', displayName: 'x', roles: [], token: '' }, tx))
  apply += performance.now() - f
}
const c = process.cpuUsage(c0)
import { readFileSync } from 'node:fs'
const pids = await db.query<{ pid: number }>(`select pid from pg_stat_activity where datname = current_database()`)
const ticks = pids.map(({ pid }) => { const s = readFileSync(`/proc/${pid}/stat`, 'utf8'); const f = s.slice(s.lastIndexOf(')') + 2).split(' '); return (Number(f[11]) + Number(f[12])) * 10 })
console.log('pg cpu ms', ticks.join(' '))
console.log({ rows: N, check: Math.round(check), apply: Math.round(apply), cpu: Math.round((c.user + c.system) / 1000), ...Object.fromEntries([...times].map(([k, v]) => [k, Math.round(v)])) })
await db.close(); await database.drop(); process.exit()
