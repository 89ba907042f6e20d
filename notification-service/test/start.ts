import { randomInt } from 'node:crypto'
import { publishersOf } from '@clientele/contracts/broker-accounts'
import { connectDb, type Db, newId } from '@clientele/platform/data/db'
import type { Envelope } from '@clientele/platform/events/envelope'
import { startService } from '@clientele/platform/service/service'
import { type EventSubscription, type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { type Client, client } from '@clientele/platform/testing/client'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testConfig, testLog, testVerifier } from '@clientele/platform/testing/service'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { createApp } from '../src/app.ts'
import type { NotificationConfig } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'
import type { Timing } from '../src/sending/timing.ts'
import { type FakeProvider, startAfricastalking } from './africastalking.ts'

export const callbackSecret = 'delivery-reports-in-tests'

export type Overrides = { config?: Partial<NotificationConfig>; timing?: Partial<Timing> }

/** A running notification-service with its own database, virtual host and SMS provider, and clients that call it. */
export type Running = Awaited<ReturnType<typeof startNotifications>>

const start = async (database: TestDatabase, broker: TestBroker, sms: FakeProvider, overrides: Overrides) => {
  const config: NotificationConfig = {
    ...testConfig({ rabbitmqUrl: broker.url }),
    ...database.config,
    customerServiceUrl: 'http://127.0.0.1:1',
    customerServiceInternalUrl: 'http://127.0.0.1:1',
    shopName: 'Duka',
    shopLocale: 'en',
    shopTimeZone: 'UTC',
    smsProvider: 'africastalking',
    africastalkingUsername: 'duka',
    africastalkingApiKey: 'at-key',
    africastalkingSenderId: 'DUKA',
    africastalkingUrl: sms.url,
    smsCountries: ['*'],
    maxMessagesPerRecipient: 1_000,
    maxMessagesPerAuthor: 1_000,
    maxMessagesPerDay: 1_000,
    smtpUrl: `smtp://127.0.0.1:${process.env['TEST_SMTP_PORT']}`,
    mailFrom: 'Duka <shop@example.com>',
    callbackSecret,
    sendTimeoutMs: 2_000,
    sendConcurrency: 10,
    ...overrides.config,
  }
  const log = testLog()
  const db = await connectDb(config, 'notifications')
  const timing = { pollMs: 100, customerCheckMs: 100, cleanupMs: 100, ...overrides.timing }
  const { app, consumers, tasks, close } = createApp({ config, db, verifier: testVerifier(config), log, timing })
  const service = await startService({
    name: 'notification-service',
    config,
    log,
    db,
    migrations,
    app,
    consumers,
    tasks,
  })
  await service.consumersReady(20_000)
  return {
    url: service.url,
    internalUrl: service.internalUrl,
    db: db as Db,
    stop: async () => {
      await service.stop()
      await close()
    },
  }
}

export const startNotifications = async (overrides: Overrides = {}) => {
  const [database, broker, sms, userToken, adminToken] = await Promise.all([
    testDatabase({ schema: 'notifications', migrations }),
    testBroker(),
    startAfricastalking(),
    signedInAs('user'),
    signedInAs('admin'),
  ])
  const service = await start(database, broker, sms, overrides)
  let stopped: Promise<void> | undefined
  const stopService = () => {
    stopped ??= service.stop()
    return stopped
  }
  const tap: EventSubscription = await broker.subscribe()
  const user: Client = client(service.url, userToken.token)
  const admin: Client = client(service.url, adminToken.token)
  const publish = async (...events: Envelope[]) => {
    for (const event of events) expect(await broker.publish(event)).toBe('confirmed')
  }
  const notificationOf = async (orderId: string) =>
    (await admin.get(`/v1/notifications?orderId=${orderId}`)).body.data[0]
  return {
    ...service,
    database,
    broker,
    sms,
    tap,
    user,
    admin,
    publish,
    notificationOf,
    /** Waits until the notification of an order matches. @returns the notification */
    waitFor: (orderId: string, expected: Record<string, unknown>, timeoutMs = 10_000) =>
      eventually(
        async () => {
          const found = await notificationOf(orderId)
          expect(found).toMatchObject(expected)
          return found
        },
        { timeoutMs },
      ),
    /** Waits until a consumer has handled an event. */
    waitUntilHandled: (queue: string, event: Envelope) =>
      eventually(async () => {
        const sql = 'select from inbox where consumer = $1 and event_id = $2'
        expect(await service.db.query(sql, [`notification-service.${queue}`, event.id])).toHaveLength(1)
      }),
    report: (fields: Record<string, string>, secret = callbackSecret, url = service.url) =>
      client(url).raw('POST', `/v1/callbacks/africastalking/${secret}`, {
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
        body: new URLSearchParams(fields).toString(),
      }),
    /** Stops the service, but not the database, the broker and the provider. */
    stopService,
    another: (more: Overrides = {}) => start(database, broker, sms, { ...overrides, ...more }),
    stop: async () => {
      sms.release()
      await stopService()
      await Promise.all([database.drop(), broker.close(), sms.stop()])
    },
  }
}

const actor = { id: 'u1', displayName: 'Ana' }
const now = () => new Date().toISOString()

const envelope = (type: string, subject: string, data: Record<string, unknown>): Envelope =>
  ({
    specversion: '1.0',
    id: newId(),
    source: `/${publishersOf(type)[0]}`,
    type,
    subject,
    time: now(),
    datacontenttype: 'application/json',
    data: { ...data, actor },
  }) as Envelope

/** A phone number that no other test uses. */
export const aPhone = () => `+2547${String(randomInt(100_000_000)).padStart(8, '0')}`

/** An event of a customer, by default `customer.created.v1`. */
export const customerEvent = (fields: Record<string, unknown> = {}, type = 'customer.created.v1') => {
  const id = String(fields['id'] ?? newId())
  return envelope(type, id, {
    id,
    code: 'CUS-000001',
    externalId: null,
    name: 'Ana',
    surname: 'Lovelace',
    email: null,
    phone: aPhone(),
    photoMediaId: null,
    tags: [],
    userId: null,
    address: null,
    locale: null,
    smsOptOut: false,
    metadata: {},
    createdAt: now(),
    createdBy: actor,
    updatedAt: now(),
    updatedBy: actor,
    deletedAt: null,
    version: 1,
    ...fields,
  })
}

/** An event of an order, by default `order.placed.v1`. */
export const orderEvent = (
  customerId: string | null,
  fields: Record<string, unknown> = {},
  type = 'order.placed.v1',
) => {
  const id = String(fields['id'] ?? newId())
  return envelope(type, id, {
    id,
    number: 'ORD-000123',
    customerId,
    status: 'placed',
    lines: [],
    total: '56000.68',
    currency: 'KES',
    note: null,
    metadata: {},
    placedAt: now(),
    fulfilledAt: null,
    cancelledAt: null,
    createdBy: actor,
    updatedAt: now(),
    updatedBy: actor,
    version: 1,
    ...fields,
  })
}

/** The event `order.cancelled.v1` of a placed order. */
export const cancellationOf = ({ subject, data }: Envelope) => {
  const { customerId } = data as { customerId: string | null }
  const fields = { id: subject, status: 'cancelled', cancelledAt: now(), version: 2 }
  return orderEvent(customerId, fields, 'order.cancelled.v1')
}

type Data = { phone: string; email: string | null }
/** The data of a customer event. */
export const dataOf = (event: Envelope): Data => event.data as Data
