import { newId } from '@clientele/platform/data/db'
import { client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import type { Behaviour } from './africastalking.ts'
import { callbackSecret, customerEvent, dataOf, orderEvent, type Running, startNotifications } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startNotifications({ config: { sendTimeoutMs: 3_000 } })
})
afterAll(() => service?.stop())

const place = async (behaviour: Behaviour = 'take') => {
  service.sms.next(behaviour)
  const customer = customerEvent()
  const order = orderEvent(customer.subject)
  await service.publish(customer, order)
  const { phone } = dataOf(customer)
  const text = await eventually(() => {
    const [seen] = service.sms.seen(phone)
    if (!seen) throw new Error('nothing was sent')
    return seen
  })
  return { orderId: order.subject, phone, messageId: text.messageId }
}
const placeAndSend = async () => {
  const placed = await place()
  await service.waitFor(placed.orderId, { status: 'sent' })
  return placed
}
const report = (id: string, status: string, phoneNumber: string, more: Record<string, string> = {}) =>
  service.report({ id, status, phoneNumber, networkCode: '63902', retryCount: '0', ...more })
const countOf = (type: string, id: string) =>
  service.tap.all().filter((event) => event.type === type && event.subject === id).length

describe('Delivery reports', () => {
  it('a report with Success marks the message as delivered once', async () => {
    const { orderId, phone, messageId } = await placeAndSend()
    expect(await report(messageId, 'Success', phone)).toMatchObject({ status: 200, body: undefined })
    const first = await service.waitFor(orderId, { status: 'delivered', deliveredAt: expect.any(String) })
    await service.tap.next('notification.delivered.v1', first.id)
    await report(messageId, 'Success', phone)
    await report(messageId, 'Sent', phone)
    await report(messageId, 'Failed', phone, { failureReason: 'UserIsInactive' })
    expect(await service.notificationOf(orderId)).toEqual(first)
    const { orderId: mark, phone: to, messageId: id } = await placeAndSend()
    await report(id, 'Success', to)
    await service.tap.next('notification.delivered.v1', (await service.notificationOf(mark)).id)
    expect(countOf('notification.delivered.v1', first.id)).toBe(1)
  })

  it.each([
    ['Failed', { failureReason: 'UserDoesNotExist' }, 'UserDoesNotExist'],
    ['Rejected', {}, 'Rejected'],
    ['AbsentSubscriber', {}, 'AbsentSubscriber'],
  ])(
    'a report with %s marks the message as failed with its reason, and a later Success overrides it',
    async (status, more, reason) => {
      const { orderId, phone, messageId } = await placeAndSend()
      await report(messageId, status, phone, more)
      const failed = await service.waitFor(orderId, { status: 'failed', reason })
      await report(messageId, status, phone, more)
      expect(await service.notificationOf(orderId)).toEqual(failed)
      await report(messageId, 'Success', phone)
      await service.waitFor(orderId, { status: 'delivered', reason: null })
    },
  )

  it.each(['Sent', 'Submitted', 'Buffered', 'SomethingNew'])(
    'a report with %s leaves the message sent',
    async (status) => {
      const { orderId, phone, messageId } = await placeAndSend()
      const before = await service.notificationOf(orderId)
      expect((await report(messageId, status, phone)).status).toBe(200)
      expect(await service.notificationOf(orderId)).toEqual(before)
    },
  )

  it("a report that arrives before the provider's response is kept and applied later", async () => {
    const { orderId, phone, messageId } = await place('hold')
    expect((await report(messageId, 'Success', phone)).status).toBe(200)
    expect(await service.notificationOf(orderId)).toMatchObject({ status: 'queued' })
    service.sms.release()
    await service.waitFor(orderId, { status: 'delivered', cost: 'KES 0.8000' })
    expect(await service.db.query('select from delivery_reports where message_id = $1', [messageId])).toHaveLength(0)
  })

  it('a report decides an attempt with an unknown outcome', async () => {
    const { orderId, phone, messageId } = await place('drop')
    await service.waitFor(orderId, { status: 'failed', reason: 'outcome_unknown' })
    await report(messageId, 'Submitted', phone)
    await service.waitFor(orderId, { status: 'sent', reason: null })
    await report(messageId, 'Success', phone)
    await service.waitFor(orderId, { status: 'delivered' })
  })

  it('a report does not match by number if two attempts to the number have an unknown outcome', async () => {
    const { orderId, phone, messageId } = await place('drop')
    await service.waitFor(orderId, { status: 'failed' })
    const otherCustomer = customerEvent({ phone })
    const other = orderEvent(otherCustomer.subject)
    service.sms.next('drop')
    await service.publish(otherCustomer, other)
    await service.waitFor(other.subject, { status: 'failed' })
    expect((await report(messageId, 'Success', phone)).status).toBe(200)
    for (const id of [orderId, other.subject])
      expect(await service.notificationOf(id)).toMatchObject({ status: 'failed', reason: 'outcome_unknown' })
  })

  it('a report of an unknown message is accepted and deleted later', async () => {
    const impatient = await service.another({ timing: { reportWaitMs: 50 } })
    const id = `ATXid_${newId()}`
    expect((await report(id, 'Success', '+254700000000')).status).toBe(200)
    await eventually(async () =>
      expect(await service.db.query('select from delivery_reports where message_id = $1', [id])).toHaveLength(0),
    )
    await impatient.stop()
  })

  it('a report of an earlier attempt changes the message only if it reports the delivery', async () => {
    const { orderId, phone, messageId } = await placeAndSend()
    await report(messageId, 'Failed', phone)
    const { id } = await service.waitFor(orderId, { status: 'failed', reason: 'Failed' })
    service.sms.next('drop')
    expect((await service.admin.post(`/v1/notifications/${id}/retry`)).status).toBe(202)
    const unknown = await service.waitFor(orderId, { status: 'failed', reason: 'outcome_unknown', attempts: 2 })
    await report(messageId, 'Failed', phone)
    await report(messageId, 'Submitted', phone)
    expect(await service.notificationOf(orderId)).toEqual(unknown)
    await report(messageId, 'Success', phone)
    await service.waitFor(orderId, { status: 'delivered' })
  })

  it('a report of the delivery cancels a requested attempt that has not started', async () => {
    const { orderId, phone, messageId } = await placeAndSend()
    await report(messageId, 'Failed', phone)
    const { id } = await service.waitFor(orderId, { status: 'failed' })
    await service.db.query(
      `update notifications set status = 'queued', due_at = now() + interval '1 hour' where id = $1`,
      [id],
    )
    await report(messageId, 'Success', phone)
    await service.waitFor(orderId, { status: 'delivered' })
    const due = 'select from notifications where id = $1 and due_at is null'
    expect(await service.db.query(due, [id])).toHaveLength(1)
  })
})

describe('POST /v1/callbacks/{provider}/{secret}', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const post = (path: string, headers: Record<string, string>, body: string) =>
    client(service.url).raw('POST', path, { headers, body })
  const path = `/v1/callbacks/africastalking/${callbackSecret}`

  it('a wrong secret or provider returns 404 and changes nothing', async () => {
    const { orderId, phone, messageId } = await placeAndSend()
    const fields = { id: messageId, status: 'Success', phoneNumber: phone }
    expect((await service.report(fields, `${callbackSecret}x`)).status).toBe(404)
    expect((await service.report(fields, 'x'.repeat(callbackSecret.length))).status).toBe(404)
    const body = new URLSearchParams(fields).toString()
    expect((await post(`/v1/callbacks/log/${callbackSecret}`, form, body)).status).toBe(404)
    expect(await service.notificationOf(orderId)).toMatchObject({ status: 'sent' })
  })

  it('the path returns 404 if no secret is configured', async () => {
    const closed = await service.another({ config: { callbackSecret: undefined } })
    const response = await client(closed.url).raw('POST', path, { headers: form, body: 'id=a&status=Success' })
    expect(response.status).toBe(404)
    await closed.stop()
  })

  it('a report with missing or invalid fields returns 422 that names them', async () => {
    const response = await post(path, form, 'status=%00&phoneNumber=1')
    expect(response.status).toBe(422)
    const pointers = response.body.errors.map(({ pointer }: { pointer: string }) => pointer)
    expect(pointers.sort()).toEqual(['/id', '/status'])
  })

  it('a report as JSON returns 415, and one that is too large returns 413', async () => {
    expect((await post(path, { 'content-type': 'application/json' }, '{"id":"a","status":"Success"}')).status).toBe(415)
    expect((await post(path, form, `id=${'a'.repeat(20_000)}`)).status).toBe(413)
  })

  it('unknown fields of a report are ignored', async () => {
    expect((await post(path, form, 'id=unheard-of&status=Success&carrier=x')).status).toBe(200)
  })
})
