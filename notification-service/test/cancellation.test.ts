import { eventually } from '@clientele/platform/testing/wait'
import type { Behaviour } from './africastalking.ts'
import { cancellationOf, customerEvent, dataOf, orderEvent, type Running, startNotifications } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startNotifications({ timing: { retryMs: [600_000] } })
})
afterAll(() => service?.stop())

const skipped = { status: 'skipped', reason: 'order_cancelled' }

/** Places an order. @returns once the provider has got the message */
const place = async (behaviour: Behaviour) => {
  service.sms.next(behaviour)
  const customer = customerEvent()
  const order = orderEvent(customer.subject)
  await service.publish(customer, order)
  const requests = () => service.sms.seen(dataOf(customer).phone).length
  await eventually(() => expect(requests()).toBe(1))
  return { order, requests }
}
const cancel = async (order: Parameters<typeof cancellationOf>[0]) => {
  const cancelled = cancellationOf(order)
  await service.publish(cancelled)
  await service.waitUntilHandled('orders', cancelled)
}
/** Sends one more message. By the time it is sent, an earlier one would have been sent as well. */
const sendAnother = async () => {
  const customer = customerEvent()
  const order = orderEvent(customer.subject)
  await service.publish(customer, order)
  await service.waitFor(order.subject, { status: 'sent' })
}

describe('The confirmation of an order that was cancelled', () => {
  it('a queued message is skipped with order_cancelled, and cannot be retried', async () => {
    const { order, requests } = await place({ status: 503 })
    await service.waitFor(order.subject, { status: 'queued', reason: 'http_503' })
    await cancel(order)
    const { id } = await service.waitFor(order.subject, skipped)
    expect((await service.tap.next('notification.skipped.v1', id)).data).toMatchObject({ reason: 'order_cancelled' })
    const retry = await service.admin.post(`/v1/notifications/${id}/retry`)
    expect([retry.status, retry.body.code]).toEqual([409, 'invalid_state'])
    expect(retry.body.detail).toContain('cancelled')
    expect(requests()).toBe(1)
  })

  it('a message that waits for its customer is skipped', async () => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await service.publish(order)
    await service.waitFor(order.subject, { status: 'queued' })
    await cancel(order)
    await service.publish(customer)
    await service.waitFor(order.subject, skipped)
    await sendAnother()
    expect(service.sms.seen(dataOf(customer).phone)).toEqual([])
  })

  it('a message is skipped once if the order is cancelled before its placing is heard', async () => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await cancel(order)
    await service.publish(customer, order)
    await service.waitUntilHandled('orders', order)
    await sendAnother()
    const { body } = await service.admin.get(`/v1/notifications?orderId=${order.subject}`)
    expect(body.data).toMatchObject([skipped])
    expect(service.sms.seen(dataOf(customer).phone)).toEqual([])
  })

  it('a message that the provider has meanwhile accepted is sent, and one that it refuses is skipped', async () => {
    const accepted = await place('hold')
    const refused = await place({ held: 503 })
    await cancel(accepted.order)
    await cancel(refused.order)
    service.sms.release()
    await service.waitFor(accepted.order.subject, { status: 'sent', attempts: 1 })
    await service.waitFor(refused.order.subject, { ...skipped, attempts: 1 })
    expect([accepted.requests(), refused.requests()]).toEqual([1, 1])
  })
})
