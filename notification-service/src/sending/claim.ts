import type { Db, Tx } from '@clientele/platform/data/db'
import { selectList } from '@clientele/platform/data/select-list'
import { reportError } from '@clientele/platform/runtime/error-reporting'
import type { Log } from '@clientele/platform/runtime/log'
import type { CustomerRow, Customers } from '../customers/customer.model.ts'
import type { NotificationRow, Notifications } from '../notifications/notification.model.ts'
import { searchTextOf } from '../notifications/notification.search-text.ts'
import type { NotificationWriter } from '../notifications/notification.writer.ts'
import type { Providers } from '../providers/create-providers.ts'
import type { Message, Provider } from '../providers/provider.ts'
import { chooseLocale } from '../templates/locale.ts'
import { renderOrderPlaced } from '../templates/order-placed.ts'
import type { MessageLimits } from './limits.ts'
import { chooseRoute, type Destination, type Route } from './route.ts'
import type { SmsCheck } from './sms-check.ts'
import type { Timing } from './timing.ts'

/** An attempt that is recorded in the database. The sender makes it. */
export type Attempt = { row: NotificationRow; provider: Provider; message: Message }

type Deps = {
  db: Db
  customers: Customers
  notifications: Notifications
  writer: NotificationWriter
  limits: MessageLimits
  whyNoSms: SmsCheck
  providers: Providers
  timing: Timing
  shop: { shopName: string; shopLocale: string }
  log: Log
}
type DueNotification = NotificationRow & { waitedLong: boolean }

const selectDue = (
  notifications: Notifications,
) => `select ${selectList(notifications)}, queued_at < now() - make_interval(secs => $2) as "waitedLong" from notifications
where status = 'queued' and due_at <= now() order by due_at limit $1 for update skip locked`

export type Claim = ReturnType<typeof createClaim>

/**
 * Claims due notifications. Their attempts are committed before anything is sent, so an attempt without a recorded outcome is
 * known to have an unknown one. @returns the attempts to make, and how many rows were claimed
 */
export const createClaim = (deps: Deps) => {
  const { db, customers, notifications, writer, limits, whyNoSms, providers, timing, shop, log } = deps
  const selectDueSql = selectDue(notifications)

  const lockCustomers = async (rows: DueNotification[], tx: Tx) => {
    const where = { id: rows.map(({ customerId }) => customerId).filter((id) => id !== null) }
    // The lock keeps a purge waiting until the attempt is committed; otherwise the purge would miss the address. A customer
    // that another transaction is changing is skipped, and its notification postponed.
    const lock = { lock: tx.LOCK.SHARE, skipLocked: true }
    const locked = await customers.findAll({ where, ...lock, raw: true, transaction: tx })
    const existing = await customers.findAll({ attributes: ['id'], where, raw: true, transaction: tx })
    return {
      locked: new Map(locked.map((customer) => [customer.id, customer])),
      existingIds: new Set(existing.map(({ id }) => id)),
    }
  }

  const renderTexts = (row: NotificationRow, customer: CustomerRow) => {
    const { locale, language } = chooseLocale(customer.locale, shop.shopLocale)
    try {
      return {
        locale,
        texts: renderOrderPlaced(row.content, { name: customer.name, shop: shop.shopName, locale, language }),
      }
    } catch (error) {
      log.error({ err: error, notificationId: row.id }, 'the texts of a notification cannot be rendered')
      reportError(error)
      return undefined
    }
  }

  const recordAttempt = async (
    row: NotificationRow,
    customer: CustomerRow,
    { channel, to, fallback }: Destination,
    provider: Provider,
    tx: Tx,
  ): Promise<Attempt | undefined> => {
    const rendered = renderTexts(row, customer)
    if (!rendered) {
      // It fails alone; the other notifications of the batch continue.
      await writer.change(row.id, { status: 'failed', reason: 'content_invalid', dueInMs: null }, tx)
      return undefined
    }
    const { locale, texts } = rendered
    const attempts = row.attempts + 1
    const text = channel === 'sms' ? texts.sms : texts.text
    const attempt = {
      attempts,
      channel,
      to,
      fallbackReason: fallback,
      locale,
      subject: channel === 'email' ? texts.subject : null,
      text,
      searchText: searchTextOf({ content: row.content, to }, customer),
      provider: provider.name,
      cost: null,
      attemptStartedAt: new Date(),
      dueInMs: null,
      claimMs: timing.leaseMs,
    }
    const next = await writer.change(row.id, attempt, tx)
    return { row: next, provider, message: { id: `${row.id}.${attempts}`, to, subject: texts.subject, text } }
  }

  const skip = async (row: NotificationRow, reason: string, tx: Tx): Promise<undefined> => {
    if (reason === 'no_sms_provider') log.info({ notificationId: row.id }, 'SMS not sent: no provider is configured')
    limits.count(reason, tx)
    await writer.change(row.id, { status: 'skipped', reason, dueInMs: null }, tx)
  }

  const routeFor = (row: NotificationRow, customer: CustomerRow): Route => {
    const wasRejected = row.fallbackReason === 'number_rejected'
    const check: SmsCheck = (phone) => (wasRejected ? 'number_rejected' : whyNoSms(phone))
    return chooseRoute(customer, { email: providers.email !== undefined, whyNoSms: check })
  }

  const claimForCustomer = async (row: NotificationRow, customer: CustomerRow, tx: Tx) => {
    const route = routeFor(row, customer)
    if ('skip' in route) {
      if (route.skip !== 'number_rejected') return skip(row, route.skip, tx)
      // There is no e-mail address: the provider's refusal, which is still the reason, is final.
      await writer.change(row.id, { status: 'failed', fallbackReason: null, dueInMs: null }, tx)
      return undefined
    }
    const limit = await limits.check(row, route, tx)
    if (limit !== undefined) return skip(row, limit, tx)
    const provider = providers[route.channel]
    if (provider === undefined) throw new Error(`no provider for ${route.channel}`)
    return recordAttempt(row, customer, route, provider, tx)
  }

  const claimRow = async (
    row: DueNotification,
    { locked, existingIds }: Awaited<ReturnType<typeof lockCustomers>>,
    tx: Tx,
  ) => {
    if (row.customerId === null) return skip(row, 'no_customer', tx)
    const customer = locked.get(row.customerId)
    if (customer) return claimForCustomer(row, customer, tx)
    if (row.waitedLong && !existingIds.has(row.customerId)) return skip(row, 'customer_unknown', tx)
    await writer.postpone(row.id, timing.customerCheckMs, tx)
    return undefined
  }

  return (limit: number): Promise<{ attempts: Attempt[]; claimed: number }> =>
    db.transaction(async (tx) => {
      const rows = await db.query<DueNotification>(selectDueSql, [limit, timing.customerWaitMs / 1000], {
        tx,
        name: 'notifications_due',
      })
      if (rows.length === 0) return { attempts: [], claimed: 0 }
      await limits.lock(tx)
      const lockedCustomers = await lockCustomers(rows, tx)
      const attempts: Attempt[] = []
      for (const row of rows) {
        const attempt = await claimRow(row, lockedCustomers, tx)
        if (attempt) attempts.push(attempt)
      }
      return { attempts, claimed: rows.length }
    })
}
