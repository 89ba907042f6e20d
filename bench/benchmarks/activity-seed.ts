import pg from 'pg'

const batch = 100_000

// Four events in five are lasting, like those of a shop; each is about one of `customers` customers, and every second of an order too.
const insertSql = `with numbered as (
  select $1::bigint + n as seq, case when n % 5 = 0 then 'passing' else 'lasting' end as class,
    date_trunc('month', now()) + ($1::bigint + n) * interval '1 microsecond' as at,
    md5('customer' || ($1::bigint + n) % $3)::uuid as customer, md5('order' || ($1::bigint + n) / 2)::uuid as order_id, n
  from generate_series(1, $2::integer) as n
), made as (
  select *, case n % 5 when 0 then 'product.stock_changed.v1' when 1 then 'order.placed.v1' else 'customer.updated.v1' end as type,
    case when n % 5 = 1 then order_id else customer end::text as subject
  from numbered
), added as (
  insert into events (class, recorded_at, seq, at, event_id, type, subject, actor_id, actor_name, version, bulk, body, salt,
    body_hash, hash)
  select class, at, seq, at, md5('event' || seq)::uuid, type, subject, md5('actor' || seq % 50), 'Ana', 1, false,
    json_build_object('specversion', '1.0', 'id', md5('event' || seq)::uuid, 'source', '/bench', 'type', type, 'subject', subject,
      'time', to_json(at), 'datacontenttype', 'application/json', 'data', json_build_object('id', subject, 'version', 1,
      'name', 'Ana ' || seq, 'note', repeat('x', 300), 'actor', json_build_object('id', 'ana', 'displayName', 'Ana'),
      'changed', json_build_array('name'), 'previous', json_build_object('name', 'Eve ' || seq)))::text,
    '\\x00', sha256('\\x00'), sha256('\\x00')
  from made
)
insert into event_refs (class, recorded_at, ref, seq, type, is_subject)
select class, at, ref, seq, type, bool_or(is_subject)
from made cross join lateral (values (subject, true), (customer::text, false)) as refs (ref, is_subject) group by 1, 2, 3, 4, 5`

/** The id of one of the customers that the events are about. */
export const customerIdSql = `select md5('customer' || $1)::uuid::text as id`

/** Fills the tables of activity-service until they have `rows` events of `customers` customers. `url` is the owner's. */
export const seedEvents = async (url: string, rows: number, customers: number): Promise<void> => {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  try {
    const { rows: found } = await client.query<{ last: number }>('select max(seq)::int as last from head')
    for (let last = found[0]?.last ?? 0; last < rows; last += batch)
      await client.query(insertSql, [last, Math.min(batch, rows - last), customers])
    await client.query('update head set seq = $1, recorded_at = now()', [rows])
    await client.query('vacuum analyze events, event_refs')
  } finally {
    await client.end()
  }
}
