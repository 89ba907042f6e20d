import type { Db, Tx } from '@clientele/platform/data/db'
import { selectList } from '@clientele/platform/data/select-list'
import { reportFault } from '@clientele/platform/runtime/error-reporting'
import type { Log } from '@clientele/platform/runtime/log'
import type { CustomerRow, Customers } from '../customers/customer.model.ts'
import type { NotificationRow, Notifications } from '../notifications/notification.model.ts'
import type { Writer } from '../notifications/notification.writer.ts'
import type { Providers } from '../providers/create-providers.ts'
import type { Message, Provider } from '../providers/provider.ts'
import { chooseLocale } from '../templates/locale.ts'
import { orderPlacedTexts } from '../templates/order-placed.ts'
import { routeTo } from './route.ts'
import type { Timing } from './timing.ts'

/** An attempt that is recorded and may now be made. */
export type Attempt = { row: NotificationRow; provider: Provider; message: Message }

type Deps = {
  db: Db
  customers: Customers
  notifications: Notifications
  writer: Writer
  providers: Providers
  timing: Timing
  shop: { shopName: string; shopLocale: string }
  log: Log
}
type Due = NotificationRow & { waitedLong: boolean }

const dueStatement = (
  notifications: Notifications,
) => `select ${selectList(notifications)}, queued_at < now() - make_interval(secs => $2) as "waitedLong" from notifications
where status = 'queued' and due_at <= now() order by due_at limit $1 for update skip locked`

export type Claim = ReturnType<typeof createClaim>

/**
 * Takes due notifications. Their attempts are committed before anything is sent: what is not recorded afterwards is known to
 * have an unknown outcome. @returns the attempts to make, and how many rows were taken
 */
export const createClaim = ({ db, customers, notifications, writer, providers, timing, shop, log }: Deps) => {
  const due = dueStatement(notifications)

  const customersOf = async (rows: Due[], tx: Tx) => {
    const where = { id: rows.map(({ customerId }) => customerId).filter((id) => id !== null) }
    // A customer who is being changed is left for the next look: what is read here must hold until the attempt is recorded,
    // or a purge could miss it.
    const lock = { lock: tx.LOCK.SHARE, skipLocked: true }
    const settled = await customers.findAll({ where, ...lock, raw: true, transaction: tx })
    const known = await customers.findAll({ attributes: ['id'], where, raw: true, transaction: tx })
    return {
      settled: new Map(settled.map((customer) => [customer.id, customer])),
      known: new Set(known.map(({ id }) => id)),
    }
  }

  const written = (row: Due, customer: CustomerRow) => {
    const { locale, language } = chooseLocale(customer.locale, shop.shopLocale)
    try {
      return {
        locale,
        texts: orderPlacedTexts(row.content, { name: customer.name, shop: shop.shopName, locale, language }),
      }
    } catch (error) {
      log.error({ err: error, notificationId: row.id }, 'a text cannot be written')
      reportFault(error)
      return undefined
    }
  }

  const begin = async (
    row: Due,
    customer: CustomerRow,
    { channel, to }: { channel: 'sms' | 'email'; to: string },
    provider: Provider,
    tx: Tx,
  ): Promise<Attempt | undefined> => {
    const message = written(row, customer)
    if (!message) {
      // One that cannot be written must not hold up those behind it.
      await writer.change(row.id, { status: 'failed', reason: 'content_invalid', dueInMs: null }, tx)
      return undefined
    }
    const { locale, texts } = message
    const attempts = row.attempts + 1
    const attempt = {
      attempts,
      channel,
      to,
      locale,
      provider: provider.name,
      cost: null,
      attemptStartedAt: new Date(),
      dueInMs: null,
      claimMs: timing.leaseMs,
    }
    const next = await writer.change(row.id, attempt, tx)
    const text = channel === 'sms' ? texts.short : texts.text
    return { row: next, provider, message: { id: `${row.id}.${attempts}`, to, subject: texts.subject, text } }
  }

  const take = async (row: Due, { settled, known }: Awaited<ReturnType<typeof customersOf>>, tx: Tx) => {
    const skip = (reason: string) => writer.change(row.id, { status: 'skipped', reason, dueInMs: null }, tx)
    if (row.customerId === null) return void (await skip('no_customer'))
    const customer = settled.get(row.customerId)
    if (customer === undefined) {
      if (row.waitedLong && !known.has(row.customerId)) return void (await skip('customer_unknown'))
      return void (await writer.postpone(row.id, timing.customerCheckMs, tx))
    }
    const route = routeTo(customer, { email: providers.email !== undefined })
    if ('skip' in route) return void (await skip(route.skip))
    const provider = providers[route.channel]
    if (provider === undefined) throw new Error(`nobody carries ${route.channel}`)
    return begin(row, customer, route, provider, tx)
  }

  return (limit: number): Promise<{ attempts: Attempt[]; taken: number }> =>
    db.transaction(async (tx) => {
      const rows = await db.query<Due>(due, [limit, timing.customerWaitMs / 1000], { tx, name: 'notifications_due' })
      if (rows.length === 0) return { attempts: [], taken: 0 }
      const found = await customersOf(rows, tx)
      const attempts: Attempt[] = []
      for (const row of rows) {
        const attempt = await take(row, found, tx)
        if (attempt) attempts.push(attempt)
      }
      return { attempts, taken: rows.length }
    })
}
