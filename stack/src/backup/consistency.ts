import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { type Check, migrationsOf } from '../checks/installation-checks.ts'
import type { Installation } from './installation.ts'
import { objectFaults } from './objects.ts'
import { notInKeycloak, peopleByApi, peopleFaults, peopleInDatabase } from './people.ts'
import { compare, type Projection, projections } from './projections.ts'
import { migrationsIn } from './save.ts'
import { type Sessions, withSessions } from './sessions.ts'

/** An event needs a moment from one service to the other. */
const onTheWayMs = 3_000
const most = 10

const none = (faults: string[], otherwise: string): string => {
  if (faults.length === 0) return otherwise
  const more = faults.length > most ? ` and ${faults.length - most} more` : ''
  throw new Error(`${faults.slice(0, most).join('; ')}${more}`)
}

type Rule = { name: string; service: string; fix: string; sql: string; fine: string }

/** Each statement gives a text for every row that is wrong. */
const rules: Rule[] = [
  {
    name: 'stock is the sum of its movements',
    service: 'order-service',
    fix: 'the ledger is right: set products.stock to the sum, with a backup at hand',
    sql: `select format('product %s has %s, its movements give %s', p.id, p.stock, coalesce(sum(m.delta), 0)) as fault
      from products p left join stock_movements m on m.product_id = p.id group by p.id
      having p.stock <> coalesce(sum(m.delta), 0)`,
    fine: 'every product',
  },
  {
    name: 'an order is the sum of its lines',
    service: 'order-service',
    fix: 'rows were changed by hand or lost: restore a backup from before',
    sql: `select format('order %s', o.id) as fault from orders o left join order_lines l on l.order_id = o.id
      group by o.id having o.total <> coalesce(sum(l.line_total), 0)`,
    fine: 'every order',
  },
  {
    name: 'numbers of customers',
    service: 'customer-service',
    fix: `select setval('customer_codes', (select max(code_number) from customers)) as the role of customer-service`,
    sql: `select format('the next code is given already: %s', max(code_number)) as fault from customers
      having max(code_number) > (select last_value from customer_codes)`,
    fine: 'the next is free',
  },
  {
    name: 'numbers of orders',
    service: 'order-service',
    fix: `select setval('order_numbers', (select max(number) from orders)) as the role of order-service`,
    sql: `select format('the next number is given already: %s', max(number)) as fault from orders
      having max(number) > (select last_value from order_numbers)`,
    fine: 'the next is free',
  },
]

const outboxRule = `select count(*)::int as waiting, count(returned_at)::int as returned,
  coalesce(max(id), 0) > (select last_value from outbox_id_seq) as behind from outbox`

/**
 * What has to hold between rows, photos, Keycloak and the projections of an installation, running or not. `restored`: before
 * the first start, when people whom Keycloak was saved with moments later are still to be taken over.
 */
export const consistencyChecks = (
  installation: Installation,
  sessions: Sessions,
  { restored = false }: { restored?: boolean } = {},
): Check[] => {
  const session = (service: string) => sessions.get(service) as pg.Client
  return [
    ...[...sessions].map(([service, client]) => schemaRule(service, client)),
    {
      name: 'photos',
      fix: 'bring the object back from a backup or an older version of the bucket; where there is none, upload another',
      look: async () => {
        const { objects, faults } = await objectFaults(installation.store, session('media-service'))
        return none(faults, `${objects} objects, each as its row says`)
      },
    },
    {
      name: 'people are those of Keycloak',
      fix: 'user-service mends this within 10 minutes, or at its start; see that Keycloak keeps admin and user events',
      look: () => lookAtPeople(installation, session('user-service'), restored),
    },
    ...rules.map(({ name, service, fix, sql, fine }) => ({
      name,
      fix,
      look: async () => {
        const { rows } = await session(service).query<{ fault: string }>(sql)
        return none(
          rows.map(({ fault }) => fault),
          fine,
        )
      },
    })),
    ...projections.map((projection) => ({
      name: projection.name,
      fix: 'look for dead letters (`npm run dead-letters -- list`) and replay them',
      look: () => lookAtProjection(sessions, projection),
    })),
    ...[...sessions].map(([service, client]) => ({
      name: `outbox of ${service}`,
      fix: `select setval('outbox_id_seq', (select max(id) from outbox)) as the role of ${service}`,
      look: async () => {
        const [row] = (await client.query<{ waiting: number; returned: number; behind: boolean }>(outboxRule)).rows
        if (row?.behind) throw new Error('the next event would take the number of one that waits')
        return `${row?.waiting} waiting, ${row?.returned} of them without a taker`
      },
    })),
  ]
}

const schemaRule = (service: string, client: pg.Client): Check => ({
  name: `schema of ${service}`,
  fix: 'run the migrations of this release',
  look: async () => {
    const applied = await migrationsIn(client)
    const missing = migrationsOf(service).filter((name) => !applied.includes(name))
    return none(missing, `${applied.length} migrations`)
  },
})

const lookAtPeople = async ({ keycloak }: Installation, users: pg.Client, restored: boolean): Promise<string> => {
  const { databaseUrl, url, client } = keycloak
  const look = async () => {
    if (databaseUrl)
      return withSessions(new Map([['keycloak', databaseUrl]]), (own) =>
        peopleInDatabase(own.get('keycloak') as pg.Client),
      )
    if (url && client) return peopleByApi(url, client)
    throw new Error('not looked at: give KEYCLOAK_URL and KEYCLOAK_CLIENT_SECRET, as user-service has them')
  }
  const people = await look()
  const before = await peopleFaults(users, people)
  if (before.length === 0) return `${people.length} people`
  const lost = before.filter((fault) => fault.endsWith(notInKeycloak))
  if (restored) return none(lost, `${people.length} people; user-service takes ${before.length} over at its start`)
  await pause(onTheWayMs)
  const after = await peopleFaults(users, await look())
  return none(
    after.filter((fault) => before.includes(fault)),
    `${people.length} people`,
  )
}

const lookAtProjection = async (sessions: Sessions, projection: Projection): Promise<string> => {
  const look = async () => {
    const { rows, differing, gone } = await compare(sessions, projection)
    // Customers that are gone stay in a projection until their last event has come.
    const faults = [...differing.map(({ id, version }) => `${id} (version ${version})`), ...gone]
    return { rows, faults }
  }
  const before = await look()
  if (before.faults.length === 0) return `${before.rows} rows`
  await pause(onTheWayMs)
  const after = await look()
  return none(
    after.faults.filter((fault) => before.faults.includes(fault)),
    `${after.rows} rows`,
  )
}
