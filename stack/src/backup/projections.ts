import type pg from 'pg'
import type { Sessions } from './sessions.ts'

/**
 * What one service knows of another's by events. `read` gives the owner's side and `kept` what is known of it, both as
 * `{id, version, …}` in the same columns; `write` takes over a row of the owner's.
 */
export type Projection = {
  name: string
  keeper: string
  owners: { service: string; read: string }[]
  kept: string
  write: string
  /** What becomes of a row that the owner has no more, or undefined where it may stay. */
  gone?: string
}

type Row = { id: string; version: number } & Record<string, unknown>

const photos = (table: string, service: string) => ({
  service,
  read: `select id::text, version, photo_media_id::text as media from ${table} where photo_media_id is not null`,
})

const customers = 'customer-service'

/** Every projection of the product: where a service learns by events what another one owns. */
export const projections: Projection[] = [
  {
    name: 'names of users in customer-service',
    keeper: customers,
    owners: [
      {
        service: 'user-service',
        read: 'select id, version, display_name as name, deleted_at is not null as deleted from users',
      },
    ],
    kept: 'select id, version, display_name as name, deleted from user_names',
    write: `insert into user_names (id, version, display_name, deleted) values ($1, $2, $3, $4) on conflict (id)
      do update set version = excluded.version, display_name = excluded.display_name, deleted = excluded.deleted`,
  },
  {
    name: 'photos in use, in media-service',
    keeper: 'media-service',
    owners: [photos('customers', customers), photos('products', 'order-service')],
    kept: 'select subject as id, version, media_id::text as media from media_usages where media_id is not null',
    write: `insert into media_usages (subject, version, media_id) values ($1, $2, $3) on conflict (subject)
      do update set version = excluded.version, media_id = excluded.media_id`,
    gone: 'update media_usages set media_id = null where subject = $1',
  },
  {
    name: 'customers in order-service',
    keeper: 'order-service',
    owners: [
      {
        service: customers,
        read: `select id::text, version, case when deleted_at is null then 'active' else 'trash' end as state from customers`,
      },
    ],
    kept: `select id::text, version, state from customers where state <> 'purged'`,
    write: `insert into customers (id, version, state) values ($1, $2, $3) on conflict (id)
      do update set version = excluded.version, state = excluded.state`,
    gone: `with purged as (update customers set state = 'purged', version = version + 1 where id = $1::uuid returning id)
      insert into customers_to_forget (customer_id) select id from purged on conflict do nothing`,
  },
  {
    name: 'customers in notification-service',
    keeper: 'notification-service',
    owners: [
      {
        service: customers,
        read: `select id::text, version, name, phone, email, locale, sms_opt_out, deleted_at is not null as deleted
          from customers`,
      },
    ],
    kept: 'select id::text, version, name, phone, email, locale, sms_opt_out, deleted from customers where not purged',
    write: `insert into customers (id, version, name, phone, email, locale, sms_opt_out, deleted)
      values ($1, $2, $3, $4, $5, $6, $7, $8) on conflict (id) do update set version = excluded.version,
      name = excluded.name, phone = excluded.phone, email = excluded.email, locale = excluded.locale,
      sms_opt_out = excluded.sms_opt_out, deleted = excluded.deleted, purged = false`,
    gone: `with purged as (update customers set name = null, phone = null, email = null, locale = null, sms_opt_out = true,
        deleted = true, purged = true, version = version + 1 where id = $1::uuid returning id)
      update notifications set recipient = null, updated_at = now(), version = notifications.version + 1
      from purged where customer_id = purged.id and recipient is not null`,
  },
]

const session = (sessions: Sessions, service: string): pg.Client => {
  const client = sessions.get(service)
  if (!client) throw new Error(`there is no connection to the database of ${service}`)
  return client
}

/** What differs between owner and keeper; `gone` are ids that only the keeper has. */
export const compare = async (
  sessions: Sessions,
  { keeper, owners, kept }: Projection,
): Promise<{ rows: number; differing: Row[]; gone: string[] }> => {
  const owned = new Map<string, Row>()
  for (const { service, read } of owners)
    for (const row of (await session(sessions, service).query<Row>(read)).rows) owned.set(row.id, row)
  const known = new Map((await session(sessions, keeper).query<Row>(kept)).rows.map((row) => [row.id, row]))
  const differing = [...owned.values()].filter((row) => JSON.stringify(row) !== JSON.stringify(known.get(row.id)))
  return { rows: owned.size, differing, gone: [...known.keys()].filter((id) => !owned.has(id)) }
}

/**
 * Brings every projection to what its owner has. After a restore, events that were on their way when the backup was made
 * are in no outbox and in no queue. @returns a line for each that lacked something
 */
export const mendProjections = async (sessions: Sessions): Promise<string[]> => {
  const lines: string[] = []
  for (const projection of projections) {
    const { differing, gone } = await compare(sessions, projection)
    const keeper = session(sessions, projection.keeper)
    for (const row of differing) await keeper.query(projection.write, Object.values(row))
    if (projection.gone) for (const id of gone) await keeper.query(projection.gone, [id])
    const mended = differing.length + (projection.gone ? gone.length : 0)
    if (mended > 0) lines.push(`${projection.name}: ${mended} mended`)
  }
  return lines
}
