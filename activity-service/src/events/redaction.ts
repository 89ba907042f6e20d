import { auditRedacted } from '@clientele/contracts/activity'
import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { removeMessagesNaming } from '../retention/unreadable-messages.ts'
import { purgeTypes } from './event.kinds.ts'

const actor = systemActor('activity-service')

const redactEvents = `with noted as (
  insert into redactions (ref, redacted_at) values ($1, clock_timestamp()) on conflict do nothing
), referring as materialized (
  select class, recorded_at, seq from event_refs where ref = $1 and type <> all($2::text[])
), redacted as (
  update events set body = null, salt = null, actor_name = null, redacted_at = clock_timestamp()
  from referring
  where events.class = referring.class and events.recorded_at = referring.recorded_at and events.seq = referring.seq
    and body is not null
), forgotten as (
  -- Receivers may answer with what they got.
  update webhook_deliveries as delivery set answer = null
  from referring join events as event
    on event.class = referring.class and event.recorded_at = referring.recorded_at and event.seq = referring.seq
  where delivery.subject = event.subject and delivery.seq = event.seq and delivery.answer is not null
)
select count(*)::int as events from referring`

/** Removes what the recorded events say about purged customers. */
export const createRedaction = ({ db }: { db: Db }) => ({
  /** Empties the bodies of all events about a customer. The hashes stay, so the chain still holds. */
  redact: async (customerId: string, tx: Tx): Promise<void> => {
    const [found] = await db.query<{ events: number }>(redactEvents, [customerId, purgeTypes], { tx })
    await removeMessagesNaming(db, customerId, tx)
    const data = { id: customerId, events: found?.events ?? 0, version: 1 }
    await outbox.add(tx, auditRedacted.of(data, actorRef(actor)))
  },
})
export type Redaction = ReturnType<typeof createRedaction>
