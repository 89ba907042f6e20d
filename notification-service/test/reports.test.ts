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
const sent = async () => {
  const placed = await place()
  await service.becomes(placed.orderId, { status: 'sent' })
  return placed
}
const report = (id: string, status: string, phoneNumber: string, more: Record<string, string> = {}) =>
  service.report({ id, status, phoneNumber, networkCode: '63902', retryCount: '0', ...more })
const countOf = (type: string, id: string) =>
  service.tap.all().filter((event) => event.type === type && event.subject === id).length

describe('delivery reports (S3-33)', () => {
  it('Success makes it delivered, once', async () => {
    const { orderId, phone, messageId } = await sent()
    expect(await report(messageId, 'Success', phone)).toMatchObject({ status: 200, body: undefined })
    const first = await service.becomes(orderId, { status: 'delivered', deliveredAt: expect.any(String) })
    await service.tap.next('notification.delivered.v1', first.id)
    await report(messageId, 'Success', phone)
    await report(messageId, 'Sent', phone)
    await report(messageId, 'Failed', phone, { failureReason: 'UserIsInactive' })
    expect(await service.ofOrder(orderId)).toEqual(first)
    const { orderId: mark, phone: to, messageId: id } = await sent()
    await report(id, 'Success', to)
    await service.tap.next('notification.delivered.v1', (await service.ofOrder(mark)).id)
    expect(countOf('notification.delivered.v1', first.id)).toBe(1)
  })

  it.each([
    ['Failed', { failureReason: 'UserDoesNotExist' }, 'UserDoesNotExist'],
    ['Rejected', {}, 'Rejected'],
    ['AbsentSubscriber', {}, 'AbsentSubscriber'],
  ])('%s makes it failed with the reason, and a later success counts for more', async (status, more, reason) => {
    const { orderId, phone, messageId } = await sent()
    await report(messageId, status, phone, more)
    const failed = await service.becomes(orderId, { status: 'failed', reason })
    await report(messageId, status, phone, more)
    expect(await service.ofOrder(orderId)).toEqual(failed)
    await report(messageId, 'Success', phone)
    await service.becomes(orderId, { status: 'delivered', reason: null })
  })

  it.each(['Sent', 'Submitted', 'Buffered', 'SomethingNew'])('%s leaves it sent', async (status) => {
    const { orderId, phone, messageId } = await sent()
    const before = await service.ofOrder(orderId)
    expect((await report(messageId, status, phone)).status).toBe(200)
    expect(await service.ofOrder(orderId)).toEqual(before)
  })

  it('is kept where it comes before the answer to the sending', async () => {
    const { orderId, phone, messageId } = await place('hold')
    expect((await report(messageId, 'Success', phone)).status).toBe(200)
    expect(await service.ofOrder(orderId)).toMatchObject({ status: 'queued' })
    service.sms.release()
    await service.becomes(orderId, { status: 'delivered', cost: 'KES 0.8000' })
    expect(await service.db.query('select from delivery_reports where message_id = $1', [messageId])).toHaveLength(0)
  })

  it('tells what became of an attempt with an unknown outcome', async () => {
    const { orderId, phone, messageId } = await place('drop')
    await service.becomes(orderId, { status: 'failed', reason: 'outcome_unknown' })
    await report(messageId, 'Submitted', phone)
    await service.becomes(orderId, { status: 'sent', reason: null })
    await report(messageId, 'Success', phone)
    await service.becomes(orderId, { status: 'delivered' })
  })

  it('is not guessed to be of one of two such attempts to a number', async () => {
    const { orderId, phone, messageId } = await place('drop')
    await service.becomes(orderId, { status: 'failed' })
    const twin = customerEvent({ phone })
    const other = orderEvent(twin.subject)
    service.sms.next('drop')
    await service.publish(twin, other)
    await service.becomes(other.subject, { status: 'failed' })
    expect((await report(messageId, 'Success', phone)).status).toBe(200)
    for (const id of [orderId, other.subject])
      expect(await service.ofOrder(id)).toMatchObject({ status: 'failed', reason: 'outcome_unknown' })
  })

  it('of a message of somebody else is taken and forgotten', async () => {
    const impatient = await service.another({ timing: { reportWaitMs: 50 } })
    const id = `ATXid_${newId()}`
    expect((await report(id, 'Success', '+254700000000')).status).toBe(200)
    await eventually(async () =>
      expect(await service.db.query('select from delivery_reports where message_id = $1', [id])).toHaveLength(0),
    )
    await impatient.stop()
  })

  it('of an earlier attempt tells of a later one only that the message arrived', async () => {
    const { orderId, phone, messageId } = await sent()
    await report(messageId, 'Failed', phone)
    const { id } = await service.becomes(orderId, { status: 'failed', reason: 'Failed' })
    service.sms.next('drop')
    expect((await service.admin.post(`/v1/notifications/${id}/retry`)).status).toBe(202)
    const unknown = await service.becomes(orderId, { status: 'failed', reason: 'outcome_unknown', attempts: 2 })
    await report(messageId, 'Failed', phone)
    await report(messageId, 'Submitted', phone)
    expect(await service.ofOrder(orderId)).toEqual(unknown)
    await report(messageId, 'Success', phone)
    await service.becomes(orderId, { status: 'delivered' })
  })

  it('cancels another attempt that has not begun', async () => {
    const { orderId, phone, messageId } = await sent()
    await report(messageId, 'Failed', phone)
    const { id } = await service.becomes(orderId, { status: 'failed' })
    await service.db.query(
      `update notifications set status = 'queued', due_at = now() + interval '1 hour' where id = $1`,
      [id],
    )
    await report(messageId, 'Success', phone)
    await service.becomes(orderId, { status: 'delivered' })
    const due = 'select from notifications where id = $1 and due_at is null'
    expect(await service.db.query(due, [id])).toHaveLength(1)
  })
})

describe('the address of delivery reports', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' }
  const post = (path: string, headers: Record<string, string>, body: string) =>
    client(service.url).raw('POST', path, { headers, body })
  const path = `/v1/callbacks/africastalking/${callbackSecret}`

  it('answers 404 where the secret or the provider is wrong, and changes nothing', async () => {
    const { orderId, phone, messageId } = await sent()
    const fields = { id: messageId, status: 'Success', phoneNumber: phone }
    expect((await service.report(fields, `${callbackSecret}x`)).status).toBe(404)
    expect((await service.report(fields, 'x'.repeat(callbackSecret.length))).status).toBe(404)
    const body = new URLSearchParams(fields).toString()
    expect((await post(`/v1/callbacks/log/${callbackSecret}`, form, body)).status).toBe(404)
    expect(await service.ofOrder(orderId)).toMatchObject({ status: 'sent' })
  })

  it('answers 404 where no secret is set', async () => {
    const closed = await service.another({ config: { callbackSecret: undefined } })
    const answer = await client(closed.url).raw('POST', path, { headers: form, body: 'id=a&status=Success' })
    expect(answer.status).toBe(404)
    await closed.stop()
  })

  it('answers 422 naming what is missing or cannot be stored', async () => {
    const answer = await post(path, form, 'status=%00&phoneNumber=1')
    expect(answer.status).toBe(422)
    const pointers = answer.body.errors.map(({ pointer }: { pointer: string }) => pointer)
    expect(pointers.sort()).toEqual(['/id', '/status'])
  })

  it('answers 415 to JSON and 413 to what is too large', async () => {
    expect((await post(path, { 'content-type': 'application/json' }, '{"id":"a","status":"Success"}')).status).toBe(415)
    expect((await post(path, form, `id=${'a'.repeat(20_000)}`)).status).toBe(413)
  })

  it('takes fields that it does not know', async () => {
    expect((await post(path, form, 'id=unheard-of&status=Success&carrier=x')).status).toBe(200)
  })
})
