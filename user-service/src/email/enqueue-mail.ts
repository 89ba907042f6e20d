import { type Db, newId, type Tx } from '@clientele/platform/data/db'
import type { MailPurpose } from './mail.model.ts'

/** A recipient gets at most one mail of each purpose in this time. */
export const minIntervalSeconds = 60

/** Adds a mail to the queue, unless the recipient has got one of this purpose in the last minute. */
export const enqueueMail = async (db: Db, purpose: MailPurpose, recipient: string, tx?: Tx): Promise<void> => {
  await db.query(
    `insert into mails (id, purpose, recipient) values ($1, $2, $3)
     on conflict (purpose, recipient) do update set attempts = 0, next_at = clock_timestamp(), created_at = clock_timestamp(), sent_at = null
     where mails.sent_at < now() - make_interval(secs => $4)`,
    [newId(), purpose, recipient, minIntervalSeconds],
    { tx },
  )
}
