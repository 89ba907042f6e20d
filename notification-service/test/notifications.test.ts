import { newId } from '@clientele/platform/data/db'
import { customerEvent, dataOf, orderEvent, type Running, startNotifications } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startNotifications()
})
afterAll(() => service?.stop())

const place = async (fields: Record<string, unknown> = {}, ...statuses: number[]) => {
  service.sms.next(...statuses.map((status) => ({ status })))
  const customer = customerEvent(fields)
  const order = orderEvent(customer.subject)
  await service.publish(customer)
  await service.handled('customers', customer)
  await service.publish(order)
  return { orderId: order.subject, customer, phone: dataOf(customer).phone }
}

describe('GET /v1/notifications (S3-34)', () => {
  it('finds messages by status, channel, order, customer, template and time, and pages through them', async () => {
    const { orderId, customer } = await place()
    const { id, createdAt } = await service.becomes(orderId, { status: 'sent' })
    const second = orderEvent(customer.subject)
    await service.publish(second)
    await service.becomes(second.subject, { status: 'sent' })
    const ids = async (query: string): Promise<string[]> => {
      const { status, body } = await service.user.get(`/v1/notifications?customerId=${customer.subject}&${query}`)
      expect(status).toBe(200)
      return body.data.map((found: { id: string }) => found.id)
    }
    expect(await ids('status=sent,failed')).toHaveLength(2)
    expect(await ids('status=failed')).toEqual([])
    expect(await ids(`orderId=${orderId}`)).toEqual([id])
    expect(await ids('channel=sms&template=order-placed')).toHaveLength(2)
    expect(await ids(`createdAt[lte]=${createdAt}`)).toEqual([id])
    expect((await ids('sort=createdAt'))[0]).toBe(id)
    expect((await ids('sort=-updatedAt'))[1]).toBe(id)
    const { body: first } = await service.user.get(`/v1/notifications?customerId=${customer.subject}&limit=1`)
    const next = await service.user.get(
      `/v1/notifications?customerId=${customer.subject}&limit=1&cursor=${first.page.nextCursor}`,
    )
    expect(next.body.data[0].id).toBe(id)
  })

  it('answers 400 to a parameter that it does not know', async () => {
    for (const query of ['to=1', 'status[contains]=se']) {
      const { status, body } = await service.user.get(`/v1/notifications?${query}`)
      expect([status, body.code]).toEqual([400, 'unknown_parameter'])
    }
  })
})

describe('the address', () => {
  it('is masked for users and whole for admins, in lists and alone', async () => {
    const { orderId, phone } = await place()
    const { id } = await service.becomes(orderId, { status: 'sent', to: phone })
    const hidden = `${phone.slice(0, 7)}***${phone.slice(-3)}`
    expect((await service.user.get(`/v1/notifications/${id}`)).body.to).toBe(hidden)
    expect((await service.user.get(`/v1/notifications?orderId=${orderId}`)).body.data[0].to).toBe(hidden)
    expect((await service.admin.get(`/v1/notifications/${id}`)).body.to).toBe(phone)
  })
})

describe('GET /v1/notifications/{id}', () => {
  it('answers 404 where there is none, 400 where it is no id', async () => {
    expect((await service.user.get(`/v1/notifications/${newId()}`)).status).toBe(404)
    expect((await service.user.get('/v1/notifications/1')).status).toBe(400)
  })
})

describe('POST /v1/notifications/{id}/retry', () => {
  it('sends once more what failed', async () => {
    const { orderId, phone } = await place({}, 400)
    const { id } = await service.becomes(orderId, { status: 'failed', reason: 'http_400' })
    const { status, body, headers } = await service.admin.post(`/v1/notifications/${id}/retry`)
    expect([status, headers.get('location')]).toEqual([202, `/v1/notifications/${id}`])
    expect(body).toMatchObject({ id, status: 'queued', reason: null })
    await service.becomes(orderId, { status: 'sent', attempts: 2 })
    expect(service.sms.seen(phone)).toHaveLength(2)
  })

  it('sends what was skipped to a customer who has a number by now', async () => {
    const { orderId, customer, phone } = await place({ smsOptOut: true })
    const { id } = await service.becomes(orderId, { status: 'skipped' })
    const back = customerEvent({ id: customer.subject, phone, version: 2 }, 'customer.updated.v1')
    await service.publish(back)
    await service.handled('customers', back)
    expect((await service.admin.post(`/v1/notifications/${id}/retry`)).status).toBe(202)
    await service.becomes(orderId, { status: 'sent', to: phone })
  })

  it('asked twice with one Idempotency-Key, sends once', async () => {
    const { orderId, phone } = await place({}, 400)
    const { id } = await service.becomes(orderId, { status: 'failed' })
    const retry = () => service.admin.post(`/v1/notifications/${id}/retry`, undefined, { 'idempotency-key': `r-${id}` })
    const [first] = [await retry()]
    await service.becomes(orderId, { status: 'sent' })
    const again = await retry()
    expect([first.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 202, 'true'])
    expect(service.sms.seen(phone)).toHaveLength(2)
  })

  it('answers 409 where it was sent, 404 where there is none', async () => {
    const { orderId } = await place()
    const { id } = await service.becomes(orderId, { status: 'sent' })
    const { status, body } = await service.admin.post(`/v1/notifications/${id}/retry`)
    expect([status, body.code]).toEqual([409, 'invalid_state'])
    expect((await service.admin.post(`/v1/notifications/${newId()}/retry`)).status).toBe(404)
  })
})

describe('metrics', () => {
  it('count messages by status and provider, and tell how long sending takes and what waits', async () => {
    const { orderId } = await place()
    await service.becomes(orderId, { status: 'sent' })
    const text = await (await fetch(`${service.internalUrl}/metrics`)).text()
    expect(text).toMatch(/notifications_total\{status="sent",provider="africastalking"\} [1-9]/)
    expect(text).toMatch(/notification_send_seconds_count\{provider="africastalking",outcome="taken"\} [1-9]/)
    expect(text).toMatch(/notifications_queued \d/)
    expect(text).toMatch(/notifications_queued_oldest_seconds \d/)
  })
})
