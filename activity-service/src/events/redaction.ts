import { auditRedacted } from '@clientele/contracts/activity'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { removeMessagesNaming } from '../retention/unreadable-messages.ts'
import { purgeTypes } from './event.kinds.ts'

const actor = systemActor('activity-service')

// A customer can have more events than one statement has time for.
const portion = 5_000

const note = 'insert into redactions (ref, redacted_at) values ($1, clock_timestamp()) on conflict do nothing'
// The planner would rather read all events than look up thousands.
const lookUp = 'set local enable_hashjoin = off; set local enable_mergejoin = off'
const redactPortion = `with referring as materialized (
  select class, recorded_at, seq from event_refs where ref = $1 and seq > $2 and type <> all($3::text[]) order by seq limit ${portion}
), redacted as (
  update events set body = null, salt = null, actor_name = null, redacted_at = clock_timestamp()
  from referring
  where events.class = referring.class and events.recorded_at = referring.recorded_at and events.seq = referring.seq
    and body is not null
), forgotten as (
  -- Receivers of webhooks may answer with what they got.
  update webhook_deliveries as delivery set answer = null
  from referring join events as event
    on event.class = referring.class and event.recorded_at = referring.recorded_at and event.seq = referring.seq
  where delivery.subject = event.subject and delivery.seq = event.seq and delivery.answer is not null
)
select count(*)::int as events, max(seq) as last from referring`

type Portion = { events: number; last: number | null }

/** Removes what the recorded events say about purged customers. */
export const createRedaction = ({ db }: { db: Db }) => {
  /** @returns how many events refer to the customer */
  const redactAfter = async (customerId: string, seq: number, tx: Tx): Promise<number> => {
    const [done] = await db.query<Portion>(redactPortion, [customerId, seq, purgeTypes], { tx })
    const { events = 0, last } = done ?? {}
    return events < portion || !last ? events : events + (await redactAfter(customerId, last, tx))
  }

  return {
    /** Empties the bodies of all events about a customer. The hashes stay, so the chain still holds. */
    redact: async (customerId: string, tx: Tx): Promise<void> => {
      await db.query(note, [customerId], { tx })
      await db.query(lookUp, [], { tx })
      const events = await redactAfter(customerId, 0, tx)
      await removeMessagesNaming(db, customerId, tx)
      const data = { id: customerId, events, version: 1 }
      await outbox.add(tx, auditRedacted.of(data, actorRef(actor)))
    },
  }
}
export type Redaction = ReturnType<typeof createRedaction>
