import { eventually } from '@clientele/platform/testing/wait'
import type { Behaviour } from './africastalking.ts'
import { customerEvent, dataOf, orderEvent, type Running, startNotifications } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startNotifications({ config: { sendTimeoutMs: 1_000 }, timing: { retryMs: [20, 20] } })
})
afterAll(() => service?.stop())

const place = async (...behaviours: Behaviour[]) => {
  service.sms.next(...behaviours)
  const customer = customerEvent()
  const order = orderEvent(customer.subject)
  await service.publish(customer)
  await service.waitUntilHandled('customers', customer)
  await service.publish(order)
  return { orderId: order.subject, requests: () => service.sms.seen(dataOf(customer).phone).length }
}
/** Sends one more message. By the time it is sent, a retry of earlier ones would have been made. */
const sendAnother = async () => {
  const { orderId } = await place()
  await service.waitFor(orderId, { status: 'sent' })
}

describe('Attempts that the provider certainly did not accept', () => {
  it.each<[string, Behaviour]>([
    ['status 503', { status: 503 }],
    ['status 500', { status: 500 }],
    ['status 429', { status: 429 }],
    ['a rejected API key', { status: 401 }],
    ['an account without money', { recipient: { statusCode: 405, status: 'InsufficientBalance' } }],
    ['an error of its gateway', { recipient: { statusCode: 501, status: 'GatewayError' } }],
  ])('a message is retried after %s', async (_name, behaviour) => {
    const { orderId, requests } = await place(behaviour)
    await service.waitFor(orderId, { status: 'sent', attempts: 2, reason: null })
    expect(requests()).toBe(2)
  })

  it('a message fails with gave_up after its last retry', async () => {
    const { orderId, requests } = await place({ status: 503 }, { status: 503 }, { status: 503 })
    const { id } = await service.waitFor(orderId, { status: 'failed', reason: 'gave_up', attempts: 3 })
    expect(requests()).toBe(3)
    expect((await service.tap.next('notification.failed.v1', id)).data).toMatchObject({ reason: 'gave_up' })
  })

  it('a retry waits for its delay, and the message has the reason of the last attempt', async () => {
    const slow = await service.another({ timing: { retryMs: [600_000] } })
    await service.stopService()
    service.sms.next({ status: 503 })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await service.publish(customer, order)
    const sql = `select extract(epoch from due_at - now()) as seconds, reason from notifications
      where order_id = $1 and failures = 1`
    const row = await eventually(async () => {
      const [found] = await slow.db.query<{ seconds: string; reason: string }>(sql, [order.subject])
      if (!found) throw new Error('no attempt yet')
      return found
    })
    expect(row.reason).toBe('http_503')
    expect(Number(row.seconds)).toBeGreaterThan(500)
    await slow.stop()
    await service.stop()
    service = await startNotifications({ config: { sendTimeoutMs: 1_000 }, timing: { retryMs: [20, 20] } })
  })

  it('a message is retried after a refused connection', async () => {
    const config = { africastalkingUrl: 'http://127.0.0.1:1' }
    const unreachable = await startNotifications({ config, timing: { retryMs: [20, 20] } })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await unreachable.publish(customer, order)
    await unreachable.waitFor(order.subject, { status: 'failed', reason: 'gave_up', attempts: 3 })
    await unreachable.stop()
  })

  it('a message is retried after a failed TLS handshake', async () => {
    const plain = await startNotifications()
    await plain.stopService()
    const config = { africastalkingUrl: plain.sms.url.replace('http:', 'https:') }
    const unreachable = await plain.another({ config, timing: { retryMs: [600_000] } })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await plain.publish(customer, order)
    const sql = 'select status, reason from notifications where order_id = $1'
    const waiting = { status: 'queued', reason: expect.stringMatching(/^not_connected .*SSL/) }
    await eventually(async () => expect(await unreachable.db.query(sql, [order.subject])).toEqual([waiting]))
    await unreachable.stop()
    await plain.stop()
  })

  it('a message is retried if the host name is not found', async () => {
    const config = { africastalkingUrl: 'http://sms.invalid' }
    const unreachable = await startNotifications({ config, timing: { retryMs: [600_000] } })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await unreachable.publish(customer, order)
    const { reason } = await unreachable.waitFor(order.subject, {
      status: 'queued',
      attempts: 1,
      reason: expect.any(String),
    })
    expect(reason).toMatch(/^not_connected E/)
    await unreachable.stop()
  })
})

describe('Attempts with an unknown outcome', () => {
  it.each<[string, Behaviour]>([
    ['a connection that breaks after the request', 'drop'],
    ['a timeout', 'hold'],
    ['a gateway timeout', { status: 504 }],
    ['an unreadable response', { status: 201, body: 'Sent' }],
  ])('a message is not repeated after %s', async (_name, behaviour) => {
    const { orderId, requests } = await place(behaviour)
    const { id } = await service.waitFor(orderId, { status: 'failed', reason: 'outcome_unknown', attempts: 1 })
    await sendAnother()
    expect(requests()).toBe(1)
    expect((await service.tap.next('notification.failed.v1', id)).data).toMatchObject({ reason: 'outcome_unknown' })
    service.sms.release()
  })
})

describe('Messages that the provider rejects', () => {
  it.each<[string, Behaviour, string]>([
    ['an invalid number', { recipient: { statusCode: 403, status: 'InvalidPhoneNumber' } }, 'InvalidPhoneNumber'],
    [
      'a recipient who has blocked messages',
      { recipient: { statusCode: 406, status: 'UserInBlacklist' } },
      'UserInBlacklist',
    ],
    ['an invalid sender', { message: 'InvalidSenderId' }, 'InvalidSenderId'],
    ['an invalid request', { status: 400 }, 'http_400'],
  ])('a message is not repeated if the provider rejects %s', async (_name, behaviour, reason) => {
    const { orderId, requests } = await place(behaviour)
    await service.waitFor(orderId, { status: 'failed', reason, attempts: 1 })
    await sendAnother()
    expect(requests()).toBe(1)
  })
})

describe('An order whose texts cannot be rendered', () => {
  it('only the message of the invalid order fails', async () => {
    const customer = customerEvent()
    const [invalid, valid] = [orderEvent(customer.subject, { currency: 'EURO' }), orderEvent(customer.subject)]
    await service.publish(customer, invalid, valid)
    await service.waitFor(invalid.subject, { status: 'failed', reason: 'content_invalid', attempts: 0 })
    await service.waitFor(valid.subject, { status: 'sent' })
  })
})

describe('Several processes', () => {
  it('two processes send each of sixty messages once', async () => {
    const second = await service.another()
    const customer = customerEvent()
    const orders = Array.from({ length: 60 }, () => orderEvent(customer.subject))
    await service.publish(customer, ...orders)
    await eventually(async () => {
      const { body } = await service.admin.get(`/v1/notifications?customerId=${customer.subject}&status=sent`)
      expect(body.page.total).toBe(60)
    })
    expect(service.sms.seen(dataOf(customer).phone)).toHaveLength(60)
    await second.stop()
  })
})
