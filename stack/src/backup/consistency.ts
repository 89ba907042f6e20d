import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { type Check, migrationsOf } from '../checks/installation-checks.ts'
import type { Installation } from './installation.ts'
import { notInKeycloak, userDifferences, usersByApi, usersInDatabase } from './keycloak-users.ts'
import { findObjectErrors } from './objects.ts'
import { compare, type Projection, projections } from './projections.ts'
import { migrationsIn } from './save.ts'
import { type Sessions, withSessions } from './sessions.ts'

/** Events may need this long from one service to another, so differences are compared again after it. */
const eventDelayMs = 3_000
const maxListed = 10

/** Returns `okText` if there are no errors. @throws Error that lists the first errors */
const throwIfAny = (errors: string[], okText: string): string => {
  if (errors.length === 0) return okText
  const more = errors.length > maxListed ? ` and ${errors.length - maxListed} more` : ''
  throw new Error(`${errors.slice(0, maxListed).join('; ')}${more}`)
}

type Rule = { name: string; service: string; fix: string; sql: string; okText: string }

/** Each statement returns a message for every wrong row. */
const rules: Rule[] = [
  {
    name: 'stock is the sum of its movements',
    service: 'order-service',
    fix: 'the movements are right: take a backup, then set products.stock to their sum',
    sql: `select format('product %s has stock %s, but the sum of its movements is %s', p.id, p.stock, coalesce(sum(m.delta), 0)) as error
      from products p left join stock_movements m on m.product_id = p.id group by p.id
      having p.stock <> coalesce(sum(m.delta), 0)`,
    okText: 'for every product',
  },
  {
    name: 'the total of an order is the sum of its lines',
    service: 'order-service',
    fix: 'rows were changed by hand or are lost: restore a backup from before that',
    sql: `select format('order %s', o.id) as error from orders o left join order_lines l on l.order_id = o.id
      group by o.id having o.total <> coalesce(sum(l.line_total), 0)`,
    okText: 'for every order',
  },
  {
    name: 'codes of customers',
    service: 'customer-service',
    fix: `run select setval('customer_codes', (select max(code_number) from customers)) as the owner of the schema`,
    sql: `select format('the next code is already in use, up to %s', max(code_number)) as error from customers
      having max(code_number) > (select last_value from customer_codes)`,
    okText: 'the next one is free',
  },
  {
    name: 'numbers of orders',
    service: 'order-service',
    fix: `run select setval('order_numbers', (select max(number) from orders)) as the owner of the schema`,
    sql: `select format('the next number is already in use, up to %s', max(number)) as error from orders
      having max(number) > (select last_value from order_numbers)`,
    okText: 'the next one is free',
  },
  {
    name: 'the recorded events end where their head says',
    service: 'activity-service',
    fix: 'events were removed or added by hand, or are lost: GET /v1/audit/verify finds the first; see docs/runbooks/audit-chain-broken.md',
    sql: `select format('the last event of the class %s is %s, but the head says %s', head.class, coalesce(last.seq, 0), head.seq) as error
      from head left join lateral (
        select * from (
          (select seq, hash from events where events.class = head.class order by recorded_at desc, seq desc limit 1) union all
          (select last_seq, seals.hash from seals where seals.class = head.class order by month desc limit 1)
        ) as ends order by seq desc limit 1
      ) as last on true
      where (head.seq, head.hash) is distinct from (coalesce(last.seq, 0), coalesce(last.hash, '\\x'))`,
    okText: 'of each class',
  },
]

const outboxRule = `select count(*)::int as waiting, count(returned_at)::int as returned,
  coalesce(max(id), 0) > (select last_value from outbox_id_seq) as behind from outbox`

/**
 * Checks that the rows, photos, Keycloak users and projections of an installation agree. It may be running or stopped.
 * `restored` is for the moment after a restore, before the first start. Keycloak is saved some moments after the rows, so
 * users may differ until user-service synchronises them.
 */
export const consistencyChecks = (
  installation: Installation,
  sessions: Sessions,
  { restored = false }: { restored?: boolean } = {},
): Check[] => {
  const session = (service: string) => sessions.get(service) as pg.Client
  return [
    ...[...sessions].map(([service, client]) => schemaCheck(service, client)),
    {
      name: 'photos',
      fix: 'restore the object from a backup or from an older version in the bucket, or upload another photo',
      run: async () => {
        const { objects, errors } = await findObjectErrors(installation.store, session('media-service'))
        return throwIfAny(errors, `${objects} objects match their rows`)
      },
    },
    {
      name: 'users match those in Keycloak',
      fix: 'wait: user-service repairs this within 10 minutes and at its start; check that Keycloak keeps user and admin events',
      run: () => checkUsers(installation, session('user-service'), restored),
    },
    ...rules.map(({ name, service, fix, sql, okText }) => ({
      name,
      fix,
      run: async () => {
        const { rows } = await session(service).query<{ error: string }>(sql)
        return throwIfAny(
          rows.map(({ error }) => error),
          okText,
        )
      },
    })),
    ...projections.map((projection) => ({
      name: projection.name,
      fix: 'look for dead letters with `npm run dead-letters -- list`, and replay them',
      run: () => checkProjection(sessions, projection),
    })),
    ...[...sessions].map(([service, client]) => ({
      name: `outbox of ${service}`,
      fix: `run select setval('outbox_id_seq', (select max(id) from outbox)) as the role of ${service}`,
      run: async () => {
        const [row] = (await client.query<{ waiting: number; returned: number; behind: boolean }>(outboxRule)).rows
        if (row?.behind) throw new Error('the next event would get the id of an event that is waiting')
        return `${row?.waiting} waiting, ${row?.returned} of them unroutable`
      },
    })),
  ]
}

const schemaCheck = (service: string, client: pg.Client): Check => ({
  name: `schema of ${service}`,
  fix: 'run the migrations of this release',
  run: async () => {
    const applied = await migrationsIn(client)
    const missing = migrationsOf(service).filter((name) => !applied.includes(name))
    return throwIfAny(missing, `${applied.length} migrations`)
  },
})

const checkUsers = async ({ keycloak }: Installation, users: pg.Client, restored: boolean): Promise<string> => {
  const { databaseUrl, url, client } = keycloak
  const read = async () => {
    if (databaseUrl)
      return withSessions(new Map([['keycloak', databaseUrl]]), (own) =>
        usersInDatabase(own.get('keycloak') as pg.Client),
      )
    if (url && client) return usersByApi(url, client)
    throw new Error('not checked: set KEYCLOAK_URL and KEYCLOAK_CLIENT_SECRET to the values that user-service has')
  }
  const keycloakUsers = await read()
  const before = await userDifferences(users, keycloakUsers)
  if (before.length === 0) return `${keycloakUsers.length} users`
  const lost = before.filter((difference) => difference.endsWith(notInKeycloak))
  if (restored)
    return throwIfAny(lost, `${keycloakUsers.length} users; user-service updates ${before.length} at its start`)
  await pause(eventDelayMs)
  const after = await userDifferences(users, await read())
  return throwIfAny(
    after.filter((difference) => before.includes(difference)),
    `${keycloakUsers.length} users`,
  )
}

const checkProjection = async (sessions: Sessions, projection: Projection): Promise<string> => {
  const read = async () => {
    const { rows, differing, orphaned } = await compare(sessions, projection)
    // A purged record stays in the projection until its last event is handled.
    const differences = [...differing.map(({ id, version }) => `${id} (version ${version})`), ...orphaned]
    return { rows, differences }
  }
  const before = await read()
  if (before.differences.length === 0) return `${before.rows} rows`
  await pause(eventDelayMs)
  const after = await read()
  return throwIfAny(
    after.differences.filter((difference) => before.differences.includes(difference)),
    `${after.rows} rows`,
  )
}
