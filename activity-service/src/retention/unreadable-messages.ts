import type { Db, Tx } from '@clientele/platform/data/db'

/** How many days messages are kept, and how many of them and bytes of content at most. */
const defaultLimits = { days: 30, messages: 10_000, bytes: 256_000_000 }

const removeOld = `delete from unreadable_messages where received_at < clock_timestamp() - make_interval(days => $1) or id <= (
  select id from (
    select id, row_number() over newest as position, sum(octet_length(content)) over newest as bytes
    from unreadable_messages window newest as (order by id desc)
  ) sized where position > $2 or bytes > $3 order by id desc limit 1)`

const removeNaming = `delete from unreadable_messages where position(convert_to($1, 'UTF8') in content) > 0`

/** Removes unreadable messages that are old, or too many or too large together. */
export const removeOldMessages = async (
  db: Db,
  { days, messages, bytes }: typeof defaultLimits = defaultLimits,
): Promise<void> => {
  await db.query(removeOld, [days, messages, bytes])
}

/** Removes unreadable messages that name a purged customer: nobody knows what else they say. */
export const removeMessagesNaming = async (db: Db, id: string, tx: Tx): Promise<void> => {
  await db.query(removeNaming, [id], { tx })
}
