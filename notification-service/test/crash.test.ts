import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { eventually } from '@clientele/platform/testing/wait'
import { customerEvent, dataOf, orderEvent, type Running, startNotifications } from './start.ts'

let service: Running
beforeEach(async () => {
  service = await startNotifications({ config: { sendTimeoutMs: 20_000 }, timing: { graceMs: 100 } })
})
afterEach(() => service?.stop())

const main = new URL('../src/main.ts', import.meta.url).pathname

/** Starts the service as a process with the same database, broker and provider. */
const spawnService = (): ChildProcess => {
  const keycloak = process.env['TEST_KEYCLOAK_URL']
  const env = {
    PATH: process.env['PATH'],
    PROFILE: 'local',
    HOST: '127.0.0.1',
    PORT: '0',
    INTERNAL_HOST: '127.0.0.1',
    INTERNAL_PORT: '0',
    LOG_LEVEL: 'error',
    DATABASE_URL: service.database.url,
    RABBITMQ_URL: service.broker.url,
    KEYCLOAK_URL: keycloak,
    KEYCLOAK_ISSUER: `${keycloak}/realms/clientele`,
    SMS_PROVIDER: 'africastalking',
    AFRICASTALKING_USERNAME: 'duka',
    AFRICASTALKING_API_KEY: 'at-key',
    AFRICASTALKING_URL: service.sms.url,
    SMS_COUNTRIES: '*',
    USER_SERVICE_INTERNAL_URL: 'http://127.0.0.1:1',
    CUSTOMER_SERVICE_URL: 'http://127.0.0.1:1',
    CUSTOMER_SERVICE_INTERNAL_URL: 'http://127.0.0.1:1',
    SEND_TIMEOUT_MS: '1000',
  }
  return spawn(process.execPath, [main], { env, stdio: ['ignore', 'inherit', 'inherit'] })
}

type Status = { status: string; reason: string | null; attempts: number }
const statusOf = async (db: Running['db'], orderId: string) =>
  (await db.query<Status>('select status, reason, attempts from notifications where order_id = $1', [orderId]))[0]
const unknown = { status: 'failed', reason: 'outcome_unknown', attempts: 1 }

describe('A process that ends between sending a message and recording its outcome', () => {
  it('an attempt of a killed process has an unknown outcome and is not repeated, until a delivery report decides it', async () => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    const { phone } = dataOf(customer)
    await service.publish(customer)
    await service.waitUntilHandled('customers', customer)
    await service.stopService()
    service.sms.next('hold')
    const child = spawnService()
    await service.publish(order)
    await eventually(() => expect(service.sms.seen(phone)).toHaveLength(1), { timeoutMs: 20_000 })
    const ended = once(child, 'exit')
    child.kill('SIGKILL')
    await ended
    service.sms.release()

    const next = await service.another()
    expect(await statusOf(next.db, order.subject)).toMatchObject({ status: 'queued', attempts: 1 })
    await eventually(async () => expect(await statusOf(next.db, order.subject)).toEqual(unknown), { timeoutMs: 25_000 })
    expect(service.sms.seen(phone)).toHaveLength(1)

    const [{ messageId } = { messageId: '' }] = service.sms.seen(phone)
    await service.report({ id: messageId, status: 'Success', phoneNumber: phone }, undefined, next.url)
    expect(await statusOf(next.db, order.subject)).toEqual({ status: 'delivered', reason: null, attempts: 1 })
    await next.stop()
  }, 60_000)

  it('a process that stops records an unknown outcome if the provider does not respond in time', async () => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    service.sms.next('hold')
    await service.publish(customer, order)
    await eventually(() => expect(service.sms.seen(dataOf(customer).phone)).toHaveLength(1))
    await service.stopService()
    const next = await service.another()
    expect(await statusOf(next.db, order.subject)).toEqual(unknown)
    await next.stop()
  })

  it('a process that stops records the outcome if the provider responds in time', async () => {
    const patient = await startNotifications({ timing: { graceMs: 5_000 } })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    patient.sms.next('hold')
    await patient.publish(customer, order)
    await eventually(() => expect(patient.sms.seen(dataOf(customer).phone)).toHaveLength(1))
    const stopping = patient.stopService()
    const ready = async () => (await fetch(`${patient.internalUrl}/health/ready`)).status
    await eventually(async () => expect(await ready()).toBe(503))
    patient.sms.release()
    await stopping
    const next = await patient.another()
    expect(await statusOf(next.db, order.subject)).toMatchObject({ status: 'sent', attempts: 1 })
    await next.stop()
    await patient.stop()
  })
})
