import type pg from 'pg'
import type { Sessions } from './sessions.ts'

/**
 * A projection: a copy that `service` keeps of other services' records. `select` reads the records at their source,
 * `selectCopy` reads the copy; both return `{id, version, …}` with the same columns. `upsertCopy` writes a record into the
 * copy.
 */
export type Projection = {
  name: string
  service: string
  sources: { service: string; select: string }[]
  selectCopy: string
  upsertCopy: string
  /** Removes a row that the source does not have any more. Undefined if such a row may stay. */
  removeOrphan?: string
}

type Row = { id: string; version: number } & Record<string, unknown>

const photos = (table: string, service: string) => ({
  service,
  select: `select id::text, version, photo_media_id::text as media from ${table} where photo_media_id is not null`,
})

const customers = 'customer-service'
const orders = 'order-service'
const media = 'media-service'

const userNames = (service: string): Projection => ({
  name: `names of users in ${service}`,
  service,
  sources: [
    {
      service: 'user-service',
      select: `select id, version, case when display_name like '%@%' then '' else display_name end as name,
        deleted_at is not null as deleted from users`,
    },
  ],
  selectCopy: 'select id, version, display_name as name, deleted from user_names',
  upsertCopy: `with erased as (insert into names_to_erase (user_id) select $1 where $4 on conflict do nothing)
    insert into user_names (id, version, display_name, deleted) values ($1, $2, $3, $4) on conflict (id)
    do update set version = excluded.version, display_name = excluded.display_name, deleted = excluded.deleted`,
})

const userRoles = (service: string): Projection => ({
  name: `roles of users in ${service}`,
  service,
  sources: [
    {
      service: 'user-service',
      select: `select id, version, case when deleted_at is null and enabled then roles else '{}' end as roles from users`,
    },
  ],
  selectCopy: 'select id, version, roles from user_roles',
  upsertCopy: `insert into user_roles (id, version, roles) values ($1, $2, $3) on conflict (id)
    do update set version = excluded.version, roles = excluded.roles`,
})

/** All projections. */
export const projections: Projection[] = [
  ...[customers, orders, media].map(userNames),
  ...[customers, orders].map(userRoles),
  {
    name: 'photos in use in media-service',
    service: media,
    sources: [photos('customers', customers), photos('products', orders)],
    selectCopy: 'select subject as id, version, media_id::text as media from media_usages where media_id is not null',
    upsertCopy: `insert into media_usages (subject, version, media_id) values ($1, $2, $3) on conflict (subject)
      do update set version = excluded.version, media_id = excluded.media_id`,
    removeOrphan: 'update media_usages set media_id = null where subject = $1',
  },
  {
    name: 'customers in order-service',
    service: orders,
    sources: [
      {
        service: customers,
        select: `select id::text, version, case when deleted_at is null then 'active' else 'trash' end as state, code,
          coalesce(nullif(concat_ws(' ', name, surname), ''), code) as name from customers`,
      },
    ],
    selectCopy: `select id::text, version, state, code, display_name as name from customers where state <> 'purged'`,
    upsertCopy: `insert into customers (id, version, state, code, display_name) values ($1, $2, $3, $4, $5) on conflict (id)
      do update set version = excluded.version, state = excluded.state, code = excluded.code,
      display_name = excluded.display_name`,
    removeOrphan: `with purged as (update customers set state = 'purged', code = null, display_name = null, version = version + 1
        where id = $1::uuid returning id)
      insert into customers_to_forget (customer_id) select id from purged on conflict do nothing`,
  },
  {
    name: 'customers in notification-service',
    service: 'notification-service',
    sources: [
      {
        service: customers,
        select: `select id::text, version, code, name, surname, phone, email, locale, sms_opt_out,
          deleted_at is not null as deleted from customers`,
      },
    ],
    selectCopy:
      'select id::text, version, code, name, surname, phone, email, locale, sms_opt_out, deleted from customers where not purged',
    upsertCopy: `insert into customers (id, version, code, name, surname, phone, email, locale, sms_opt_out, deleted)
      values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) on conflict (id) do update set version = excluded.version,
      code = excluded.code, name = excluded.name, surname = excluded.surname, phone = excluded.phone, email = excluded.email, locale = excluded.locale,
      sms_opt_out = excluded.sms_opt_out, deleted = excluded.deleted, purged = false`,
    removeOrphan: `with purged as (update customers set code = null, name = null, surname = null, phone = null, email = null, locale = null,
        sms_opt_out = true, deleted = true, purged = true, version = version + 1 where id = $1::uuid returning id)
      update notifications set recipient = null, subject = null, text = null, search_text = null, updated_at = now(),
        version = notifications.version + 1 from purged where customer_id = purged.id`,
  },
]

const session = (sessions: Sessions, service: string): pg.Client => {
  const client = sessions.get(service)
  if (!client) throw new Error(`there is no connection to the database of ${service}`)
  return client
}

/** Compares a projection with its sources. `orphaned` are the ids that only the copy has. */
export const compare = async (
  sessions: Sessions,
  { service, sources, selectCopy }: Projection,
): Promise<{ rows: number; differing: Row[]; orphaned: string[] }> => {
  const records = new Map<string, Row>()
  for (const { service: source, select } of sources)
    for (const row of (await session(sessions, source).query<Row>(select)).rows) records.set(row.id, row)
  const copies = new Map((await session(sessions, service).query<Row>(selectCopy)).rows.map((row) => [row.id, row]))
  const differing = [...records.values()].filter((row) => JSON.stringify(row) !== JSON.stringify(copies.get(row.id)))
  return { rows: records.size, differing, orphaned: [...copies.keys()].filter((id) => !records.has(id)) }
}

/**
 * Updates every projection from its sources. This is needed after a restore: events that were in a queue when the backup was
 * made are neither in an outbox nor in a queue. @returns a line for each projection that was repaired
 */
export const repairProjections = async (sessions: Sessions): Promise<string[]> => {
  const lines: string[] = []
  for (const projection of projections) {
    const { differing, orphaned } = await compare(sessions, projection)
    const client = session(sessions, projection.service)
    for (const row of differing) await client.query(projection.upsertCopy, Object.values(row))
    if (projection.removeOrphan) for (const id of orphaned) await client.query(projection.removeOrphan, [id])
    const repaired = differing.length + (projection.removeOrphan ? orphaned.length : 0)
    if (repaired > 0) lines.push(`${projection.name}: ${repaired} repaired`)
  }
  return lines
}
