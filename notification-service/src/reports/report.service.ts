import { createHash, timingSafeEqual } from 'node:crypto'
import { secondsAgo } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import { selectList } from '@clientele/platform/data/select-list'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { type InferAttributes, Op } from 'sequelize'
import { type NotificationRow, type Notifications, outcomeUnknown } from '../notifications/notification.model.ts'
import type { Change, Writer } from '../notifications/notification.writer.ts'
import { type DeliveryReport, reportOf } from '../providers/africastalking.report.ts'
import type { Report } from '../providers/provider.ts'
import type { DeliveryReportModel, DeliveryReports } from './delivery-report.model.ts'

type Deps = {
  db: Db
  notifications: Notifications
  deliveryReports: DeliveryReports
  writer: Writer
  log: Log
  secret: string | undefined
}

const keptStatement = (reports: DeliveryReports) => `select ${selectList(reports)} from delivery_reports
where exists (select from notifications n where n.provider = delivery_reports.provider and n.provider_message_id = delivery_reports.message_id)
  or exists (select from notifications n where n.provider = delivery_reports.provider and n.recipient = delivery_reports.recipient
    and n.reason = '${outcomeUnknown}' and n.status = 'failed' and n.attempt_started_at <= delivery_reports.received_at)
order by received_at limit 100 for update of delivery_reports skip locked`
const deleteOld = `delete from delivery_reports where (provider, message_id, status) in (
  select provider, message_id, status from delivery_reports
  where received_at < now() - make_interval(secs => $1) limit 5000)`

/** How long a number may stand for an attempt of unknown outcome. */
const unknownSeconds = 3 * 86_400

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
export const createReportService = ({ db, notifications, deliveryReports, writer, log, secret }: Deps) => {
  const kept = keptStatement(deliveryReports)

  const target = async (
    provider: string,
    { messageId, number }: Report,
    tx: Tx,
  ): Promise<NotificationRow | undefined> => {
    const locked = { transaction: tx, lock: tx.LOCK.UPDATE }
    const row = await notifications.findOne({ where: { provider, providerMessageId: messageId }, ...locked })
    if (row) return row
    if (number === null) return undefined
    // The provider never told the id of what it may have taken: the number has to do, where it fits one message alone.
    const attemptStartedAt = { [Op.gt]: secondsAgo(unknownSeconds) }
    const [one, another] = await notifications.findAll({
      where: { provider, to: number, reason: outcomeUnknown, status: 'failed', attemptStartedAt },
      limit: 2,
      ...locked,
    })
    if (!one || another) return undefined
    // It may be the report of a message whose answer is still to come.
    const underWay = await notifications.findOne({
      attributes: ['id'],
      where: { provider, to: number, claimedUntil: { [Op.ne]: null } },
      transaction: tx,
    })
    return underWay ? undefined : one
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
      await db.transaction(async (tx) => {
        if (await apply(provider, report, tx)) return
        await deliveryReports.bulkCreate([{ ...report, provider }], { ignoreDuplicates: true, transaction: tx })
      })
    },

    /** Applies reports that came too early, and forgets those that nobody misses after `waitMs`. */
    applyKept: (waitMs: number): Promise<void> =>
      db.transaction(async (tx) => {
        const reports = await db.query<InferAttributes<DeliveryReportModel>>(kept, [], { tx })
        for (const report of reports) {
          const { provider, messageId, status } = report
          if (await apply(provider, report, tx))
            await deliveryReports.destroy({ where: { provider, messageId, status }, transaction: tx })
        }
        await db.query(deleteOld, [waitMs / 1000], { tx })
      }),
  }
}
