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
  await service.handled('customers', customer)
  await service.publish(order)
  return { orderId: order.subject, requests: () => service.sms.seen(dataOf(customer).phone).length }
}
/** Whatever would be tried again has been by then. */
const another = async () => {
  const { orderId } = await place()
  await service.becomes(orderId, { status: 'sent' })
}

describe('where it is certain that nothing was taken, it is tried again', () => {
  it.each<[string, Behaviour]>([
    ['503', { status: 503 }],
    ['500', { status: 500 }],
    ['429', { status: 429 }],
    ['a key that is not accepted', { status: 401 }],
    ['an account without money', { recipient: { statusCode: 405, status: 'InsufficientBalance' } }],
    ['a fault of their gateway', { recipient: { statusCode: 501, status: 'GatewayError' } }],
  ])('after %s', async (_name, behaviour) => {
    const { orderId, requests } = await place(behaviour)
    await service.becomes(orderId, { status: 'sent', attempts: 2, reason: null })
    expect(requests()).toBe(2)
  })

  it('until it is given up', async () => {
    const { orderId, requests } = await place({ status: 503 }, { status: 503 }, { status: 503 })
    const { id } = await service.becomes(orderId, { status: 'failed', reason: 'gave_up', attempts: 3 })
    expect(requests()).toBe(3)
    expect((await service.tap.next('notification.failed.v1', id)).data).toMatchObject({ reason: 'gave_up' })
  })

  it('waits longer from one attempt to the next, and says why', async () => {
    const slow = await service.another({ timing: { retryMs: [600_000] } })
    await service.halt()
    service.sms.next({ status: 503 })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await service.publish(customer, order)
    const sql = `select extract(epoch from due_at - now()) as seconds, reason from notifications
      where order_id = $1 and failures = 1`
    const row = await eventually(async () => {
      const [found] = await slow.db.query<{ seconds: string; reason: string }>(sql, [order.subject])
      if (!found) throw new Error('not tried yet')
      return found
    })
    expect(row.reason).toBe('http_503')
    expect(Number(row.seconds)).toBeGreaterThan(500)
    await slow.stop()
    await service.stop()
    service = await startNotifications({ config: { sendTimeoutMs: 1_000 }, timing: { retryMs: [20, 20] } })
  })

  it('after a refused connection', async () => {
    const config = { africastalkingUrl: 'http://127.0.0.1:1' }
    const away = await startNotifications({ config, timing: { retryMs: [20, 20] } })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await away.publish(customer, order)
    await away.becomes(order.subject, { status: 'failed', reason: 'gave_up', attempts: 3 })
    await away.stop()
  })

  it('after a failed TLS handshake', async () => {
    const plain = await startNotifications()
    await plain.halt()
    const config = { africastalkingUrl: plain.sms.url.replace('http:', 'https:') }
    const away = await plain.another({ config, timing: { retryMs: [600_000] } })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await plain.publish(customer, order)
    const sql = 'select status, reason from notifications where order_id = $1'
    const waits = { status: 'queued', reason: expect.stringMatching(/^not_connected .*SSL/) }
    await eventually(async () => expect(await away.db.query(sql, [order.subject])).toEqual([waits]))
    await away.stop()
    await plain.stop()
  })

  it('after a name that is not found', async () => {
    const config = { africastalkingUrl: 'http://sms.invalid' }
    const away = await startNotifications({ config, timing: { retryMs: [600_000] } })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await away.publish(customer, order)
    const { reason } = await away.becomes(order.subject, { status: 'queued', attempts: 1, reason: expect.any(String) })
    expect(reason).toMatch(/^not_connected E/)
    await away.stop()
  })
})

describe('where nobody can tell, it is not repeated', () => {
  it.each<[string, Behaviour]>([
    ['a connection that breaks after the request', 'drop'],
    ['an answer that does not come', 'hold'],
    ['a gateway that gave up waiting', { status: 504 }],
    ['an answer that cannot be read', { status: 201, body: 'Sent' }],
  ])('after %s', async (_name, behaviour) => {
    const { orderId, requests } = await place(behaviour)
    const { id } = await service.becomes(orderId, { status: 'failed', reason: 'outcome_unknown', attempts: 1 })
    await another()
    expect(requests()).toBe(1)
    expect((await service.tap.next('notification.failed.v1', id)).data).toMatchObject({ reason: 'outcome_unknown' })
    service.sms.release()
  })
})

describe('what the provider refuses is final', () => {
  it.each<[string, Behaviour, string]>([
    ['a number', { recipient: { statusCode: 403, status: 'InvalidPhoneNumber' } }, 'InvalidPhoneNumber'],
    ['a person who wants none', { recipient: { statusCode: 406, status: 'UserInBlacklist' } }, 'UserInBlacklist'],
    ['a sender', { message: 'InvalidSenderId' }, 'InvalidSenderId'],
    ['a request', { status: 400 }, 'http_400'],
  ])('%s', async (_name, behaviour, reason) => {
    const { orderId, requests } = await place(behaviour)
    await service.becomes(orderId, { status: 'failed', reason, attempts: 1 })
    await another()
    expect(requests()).toBe(1)
  })
})

describe('an order that no text can be written of', () => {
  it('fails alone', async () => {
    const customer = customerEvent()
    const [odd, plain] = [orderEvent(customer.subject, { currency: 'EURO' }), orderEvent(customer.subject)]
    await service.publish(customer, odd, plain)
    await service.becomes(odd.subject, { status: 'failed', reason: 'content_invalid', attempts: 0 })
    await service.becomes(plain.subject, { status: 'sent' })
  })
})

describe('many at once', () => {
  it('are sent once each by two processes', async () => {
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
