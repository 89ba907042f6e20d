import type { Db, Tx } from '@clientele/platform/data/db'

const maxMessages = 10_000
const maxBytes = 256_000_000
const keptDays = 30

const removeOld = `delete from unreadable_messages where received_at < clock_timestamp() - make_interval(days => $1) or id <= (
  select id from (
    select id, row_number() over newest as position, sum(octet_length(content)) over newest as bytes
    from unreadable_messages window newest as (order by id desc)
  ) sized where position > $2 or bytes > $3 order by id desc limit 1)`

const removeNaming = `delete from unreadable_messages where position(convert_to($1, 'UTF8') in content) > 0`

/** Removes unreadable messages that are old, or too many or too large together. */
export const removeOldMessages = async (db: Db): Promise<void> => {
  await db.query(removeOld, [keptDays, maxMessages, maxBytes])
}

/** Removes unreadable messages that name a purged customer: nobody knows what else they say. */
export const removeMessagesNaming = async (db: Db, id: string, tx: Tx): Promise<void> => {
  await db.query(removeNaming, [id], { tx })
}
