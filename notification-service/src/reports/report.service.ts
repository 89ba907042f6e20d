import { createHash, timingSafeEqual } from 'node:crypto'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { type NotificationRow, outcomeUnknown, selected } from '../notifications/notification.model.ts'
import type { Change, Writer } from '../notifications/notification.writer.ts'
import { type DeliveryReport, reportOf } from '../providers/africastalking.report.ts'
import type { Report } from '../providers/provider.ts'

type Deps = { db: Db; writer: Writer; log: Log; secret: string | undefined }

const ofMessage = `select ${selected} from notifications where provider = $1 and provider_message_id = $2 for update`
// The provider never told the id of what it may have taken: the number has to do, where it fits one message alone.
const ofNumber = `select ${selected} from notifications
where provider = $1 and recipient = $2 and reason = '${outcomeUnknown}' and status = 'failed'
  and attempt_started_at > now() - interval '3 days' limit 2 for update`
const underWay = `select from notifications where provider = $1 and recipient = $2 and claimed_until is not null limit 1`
const keep = `insert into delivery_reports (provider, message_id, status, recipient, reason)
values ($1, $2, $3, $4, $5) on conflict do nothing`
const kept = `select provider, message_id as "messageId", status, recipient as "number", reason from delivery_reports r
where exists (select from notifications n where n.provider = r.provider and n.provider_message_id = r.message_id)
  or exists (select from notifications n where n.provider = r.provider and n.recipient = r.recipient
    and n.reason = '${outcomeUnknown}' and n.status = 'failed' and n.attempt_started_at <= r.received_at)
order by received_at limit 100 for update of r skip locked`
const forget = 'delete from delivery_reports where provider = $1 and message_id = $2 and status = $3'
const forgetOld = `delete from delivery_reports where (provider, message_id, status) in (
  select provider, message_id, status from delivery_reports
  where received_at < now() - make_interval(secs => $1) limit 5000)`

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** What a report changes; undefined where it tells nothing new. Arrived is the last word; failed is it for this message. */
const changeOf = (row: NotificationRow, { status, reason, messageId }: Report): Change | undefined => {
  const ended = { providerMessageId: messageId, dueInMs: null, claimMs: null }
  const sentAt = row.sentAt ?? row.attemptStartedAt
  // An id that it has already is of an attempt before: it arrived by that one, or nothing is known still.
  const unknown = row.status === 'failed' && row.reason === outcomeUnknown && row.providerMessageId !== messageId
  if (status === 'delivered')
    return row.status === 'delivered'
      ? undefined
      : { ...ended, status: 'delivered', reason: null, sentAt, deliveredAt: new Date() }
  if (status === 'failed') return row.status === 'sent' || unknown ? { ...ended, status: 'failed', reason } : undefined
  return unknown ? { ...ended, status: 'sent', reason: null, sentAt } : undefined
}

export type ReportService = ReturnType<typeof createReportService>

/** Delivery reports. They come again, late, in any order, and before the answer to the sending is recorded. */
export const createReportService = ({ db, writer, log, secret }: Deps) => {
  const target = async (provider: string, { messageId, number }: Report, tx: Tx) => {
    const [row] = await db.query<NotificationRow>(ofMessage, [provider, messageId], { tx })
    if (row || number === null) return row
    const [one, another] = await db.query<NotificationRow>(ofNumber, [provider, number], { tx })
    if (!one || another) return undefined
    // It may be the report of a message whose answer is still to come.
    return (await db.query(underWay, [provider, number], { tx })).length === 0 ? one : undefined
  }

  /** @returns whether the message was found that it tells of */
  const apply = async (provider: string, report: Report, tx: Tx): Promise<boolean> => {
    const row = await target(provider, report, tx)
    if (!row) return false
    const change = changeOf(row, report)
    if (change) await writer.change(row.id, change, tx)
    return true
  }

  return {
    /** @throws Problem 404 unless the address is that of a provider, with the secret */
    check: (provider: string, given: string): void => {
      const genuine = secret !== undefined && timingSafeEqual(digest(given), digest(secret))
      if (!genuine || provider !== 'africastalking')
        throw new Problem('not_found', { detail: 'there is no such address' })
    },

    take: async (provider: string, body: DeliveryReport): Promise<void> => {
      const report = reportOf(body)
      if (!report) return log.warn({ provider }, 'a delivery report has a status that is not documented')
      const { messageId, status, number, reason } = report
      await db.transaction(async (tx) => {
        if (await apply(provider, report, tx)) return
        await db.query(keep, [provider, messageId, status, number, reason], { tx })
      })
    },

    /** Applies reports that came too early, and forgets those that nobody misses after `waitMs`. */
    applyKept: (waitMs: number): Promise<void> =>
      db.transaction(async (tx) => {
        const reports = await db.query<Report & { provider: string }>(kept, [], { tx })
        for (const report of reports)
          if (await apply(report.provider, report, tx))
            await db.query(forget, [report.provider, report.messageId, report.status], { tx })
        await db.query(forgetOld, [waitMs / 1000], { tx })
      }),
  }
}
