import { createHash, timingSafeEqual } from 'node:crypto'
import { secondsAgo } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import { selectList } from '@clientele/platform/data/select-list'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { type InferAttributes, Op } from 'sequelize'
import { type NotificationRow, type Notifications, outcomeUnknown } from '../notifications/notification.model.ts'
import type { Change, NotificationWriter } from '../notifications/notification.writer.ts'
import { type DeliveryReport, reportOf } from '../providers/africastalking.report.ts'
import type { Report } from '../providers/provider.ts'
import type { DeliveryReportModel, DeliveryReports } from './delivery-report.model.ts'

type Deps = {
  db: Db
  notifications: Notifications
  deliveryReports: DeliveryReports
  writer: NotificationWriter
  log: Log
  secret: string | undefined
}

const selectPending = (reports: DeliveryReports) => `select ${selectList(reports)} from delivery_reports
where exists (select from notifications n where n.provider = delivery_reports.provider and n.provider_message_id = delivery_reports.message_id)
  or exists (select from notifications n where n.provider = delivery_reports.provider and n.recipient = delivery_reports.recipient
    and n.reason = '${outcomeUnknown}' and n.status = 'failed' and n.attempt_started_at <= delivery_reports.received_at)
order by received_at limit 100 for update of delivery_reports skip locked`
const deleteOld = `delete from delivery_reports where (provider, message_id, status) in (
  select provider, message_id, status from delivery_reports
  where received_at < now() - make_interval(secs => $1) limit 5000)`

/** How long after an attempt with an unknown outcome a report may be matched to it by the phone number. */
const maxUnknownSeconds = 3 * 86_400

const digest = (text: string): Buffer => createHash('sha256').update(text).digest()

/** The change that a report causes; undefined if it is nothing new. `delivered` is final; `failed` is final for one message. */
const changeOf = (row: NotificationRow, { status, reason, messageId }: Report): Change | undefined => {
  const ended = { providerMessageId: messageId, dueInMs: null, claimMs: null }
  const sentAt = row.sentAt ?? row.attemptStartedAt
  // If the row has this message id already, the report is of an earlier attempt. It says nothing about the unknown outcome,
  // unless that earlier message was delivered.
  const isUnknown = row.status === 'failed' && row.reason === outcomeUnknown && row.providerMessageId !== messageId
  if (status === 'delivered')
    return row.status === 'delivered'
      ? undefined
      : { ...ended, status: 'delivered', reason: null, sentAt, deliveredAt: new Date() }
  if (status === 'failed')
    return row.status === 'sent' || isUnknown ? { ...ended, status: 'failed', reason } : undefined
  return isUnknown ? { ...ended, status: 'sent', reason: null, sentAt } : undefined
}

export type ReportService = ReturnType<typeof createReportService>

/** Handles delivery reports. They may be repeated, late, in any order, or arrive before the outcome of the attempt is recorded. */
export const createReportService = ({ db, notifications, deliveryReports, writer, log, secret }: Deps) => {
  const selectPendingSql = selectPending(deliveryReports)

  const findTarget = async (
    provider: string,
    { messageId, number }: Report,
    tx: Tx,
  ): Promise<NotificationRow | undefined> => {
    const locked = { transaction: tx, lock: tx.LOCK.UPDATE }
    const row = await notifications.findOne({ where: { provider, providerMessageId: messageId }, ...locked })
    if (row) return row
    if (number === null) return undefined
    // After an unknown outcome the message id is not known. Match by the phone number, if that leaves a single message.
    const attemptStartedAt = { [Op.gt]: secondsAgo(maxUnknownSeconds) }
    const [one, another] = await notifications.findAll({
      where: { provider, to: number, reason: outcomeUnknown, status: 'failed', attemptStartedAt },
      limit: 2,
      ...locked,
    })
    if (!one || another) return undefined
    // The report may belong to a message to the same number whose attempt is still running.
    const running = await notifications.findOne({
      attributes: ['id'],
      where: { provider, to: number, claimedUntil: { [Op.ne]: null } },
      transaction: tx,
    })
    return running ? undefined : one
  }

  /** @returns whether the message of the report was found */
  const apply = async (provider: string, report: Report, tx: Tx): Promise<boolean> => {
    const row = await findTarget(provider, report, tx)
    if (!row) return false
    const change = changeOf(row, report)
    if (change) await writer.change(row.id, change, tx)
    return true
  }

  return {
    /** @throws Problem 404 if the provider is unknown or the secret is wrong */
    checkSecret: (provider: string, given: string): void => {
      const isGenuine = secret !== undefined && timingSafeEqual(digest(given), digest(secret))
      if (!isGenuine || provider !== 'africastalking') throw new Problem('not_found', { detail: 'path not found' })
    },

    receive: async (provider: string, body: DeliveryReport): Promise<void> => {
      const report = reportOf(body)
      if (!report) return log.warn({ provider }, 'a delivery report has an undocumented status')
      await db.transaction(async (tx) => {
        if (await apply(provider, report, tx)) return
        await deliveryReports.bulkCreate([{ ...report, provider }], { ignoreDuplicates: true, transaction: tx })
      })
    },

    /** Applies reports that arrived too early, and deletes those older than `waitMs`. */
    applyPending: (waitMs: number): Promise<void> =>
      db.transaction(async (tx) => {
        const reports = await db.query<InferAttributes<DeliveryReportModel>>(selectPendingSql, [], { tx })
        for (const report of reports) {
          const { provider, messageId, status } = report
          if (await apply(provider, report, tx))
            await deliveryReports.destroy({ where: { provider, messageId, status }, transaction: tx })
        }
        await db.query(deleteOld, [waitMs / 1000], { tx })
      }),
  }
}
