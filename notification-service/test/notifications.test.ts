import { newId } from '@clientele/platform/data/db'
import { client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { aCustomer, startCustomers } from '../../customer-service/test/start.ts'
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
  await service.waitUntilHandled('customers', customer)
  await service.publish(order)
  return { orderId: order.subject, customer, phone: dataOf(customer).phone }
}

describe('GET /v1/notifications', () => {
  it('notifications can be filtered by status, channel, order, customer, template and time, and paged', async () => {
    const { orderId, customer } = await place()
    const { id, createdAt } = await service.waitFor(orderId, { status: 'sent' })
    const second = orderEvent(customer.subject)
    await service.publish(second)
    await service.waitFor(second.subject, { status: 'sent' })
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

  it('an unknown parameter returns 400', async () => {
    for (const query of ['to=1', 'status[contains]=se']) {
      const { status, body } = await service.user.get(`/v1/notifications?${query}`)
      expect([status, body.code]).toEqual([400, 'unknown_parameter'])
    }
  })
})

describe('The address of a notification', () => {
  it('the address is masked for users and complete for admins, in lists and single responses', async () => {
    const { orderId, phone } = await place()
    const { id } = await service.waitFor(orderId, { status: 'sent', to: phone })
    const hidden = `${phone.slice(0, 7)}***${phone.slice(-3)}`
    expect((await service.user.get(`/v1/notifications/${id}`)).body.to).toBe(hidden)
    expect((await service.user.get(`/v1/notifications?orderId=${orderId}`)).body.data[0].to).toBe(hidden)
    expect((await service.admin.get(`/v1/notifications/${id}`)).body.to).toBe(phone)
  })
})

describe('The customer and the order of a notification', () => {
  it('a notification has the number of its order and the customer with code and present name, in lists and single responses', async () => {
    const { orderId, customer } = await place({ code: 'CUS-000042' })
    const shown = { id: customer.subject, code: 'CUS-000042', displayName: 'Ana Lovelace' }
    const { id } = await service.waitFor(orderId, { status: 'sent', orderNumber: 'ORD-000123', customer: shown })
    const renamed = { id: customer.subject, code: 'CUS-000042', surname: 'Byron', version: 2 }
    await service.publish(customerEvent(renamed, 'customer.updated.v1'))
    await service.waitFor(orderId, { customer: { ...shown, displayName: 'Ana Byron' } })
    const { body } = await service.user.get(`/v1/notifications/${id}`)
    expect(body).toMatchObject({ orderNumber: 'ORD-000123', customer: { ...shown, displayName: 'Ana Byron' } })
  })

  it('a customer without a name is shown by the code, and one that is not known yet is null', async () => {
    const { orderId, customer } = await place({ name: null, surname: null, code: 'CUS-000043' })
    await service.waitFor(orderId, { customer: { id: customer.subject, displayName: 'CUS-000043' } })
    const early = orderEvent(newId())
    await service.publish(early)
    await service.waitFor(early.subject, { status: 'queued', customer: null })
  })

  it('a page of notifications reads its customers in one query', async () => {
    const placed = await Promise.all(Array.from({ length: 5 }, () => place()))
    for (const { orderId } of placed) await service.waitFor(orderId, { status: 'sent' })
    let queries = 0
    service.db.sequelize.addHook('beforeQuery', 'count', (options) => {
      if ((options as { model?: { name: string } }).model?.name === 'customer') queries += 1
    })
    const { body } = await service.user.get('/v1/notifications?limit=5')
    service.db.sequelize.removeHook('beforeQuery', 'count')
    expect(body.data).toHaveLength(5)
    expect(new Set(body.data.map(({ customer }: { customer: { id: string } }) => customer.id)).size).toBe(5)
    expect(queries).toBe(1)
  })
})

describe('include=customer', () => {
  it('include=customer shows the whole customer, and the short form while customer-service does not respond', async () => {
    const customers = await startCustomers()
    const { body: whole } = await customers.user.post('/v1/customers', aCustomer({ phone: '+254711000222' }))
    const { id, code, name, surname, version } = whole
    const { orderId } = await place({ id, code, name, surname, version })
    const { id: notificationId } = await service.waitFor(orderId, { status: 'sent' })
    const next = await service.another({ config: { customerServiceUrl: customers.url } })
    const user = client(next.url, (await signedInAs('user')).token)
    const short = { id, code, displayName: `${name} ${surname}` }
    const included = { ...whole, displayName: short.displayName }
    const list = await user.get(`/v1/notifications?orderId=${orderId}&include=customer`)
    expect(list.body.data[0].customer).toEqual(included)
    expect((await user.get(`/v1/notifications/${notificationId}?include=customer`)).body.customer).toEqual(included)
    expect((await user.get(`/v1/notifications/${notificationId}`)).body.customer).toEqual(short)
    // `service` has no address at which customer-service responds.
    const away = await service.user.get(`/v1/notifications/${notificationId}?include=customer`)
    expect([away.status, away.body.customer]).toEqual([200, short])
    expect((await service.user.get('/v1/notifications?include=order')).status).toBe(400)
    await next.stop()
    await customers.stop()
  })
})

describe('Customers that an earlier release has stored without a code', () => {
  it('their code and surname are read from customer-service when the service starts', async () => {
    const customers = await startCustomers()
    const { body: source } = await customers.user.post('/v1/customers', aCustomer({ surname: 'Earlier' }))
    const { id, code, name, version } = source
    const known = customerEvent({ id, name, surname: null, version })
    const order = orderEvent(id)
    await service.publish(known, order)
    await service.waitFor(order.subject, { status: 'sent' })
    await service.db.query('update customers set code = null where id = $1', [id])
    expect(await service.notificationOf(order.subject)).toMatchObject({ customerId: id, customer: null })
    const next = await service.another({ config: { customerServiceInternalUrl: customers.internalUrl } })
    await service.waitFor(order.subject, { customer: { id, code, displayName: `${name} Earlier` } })
    await next.stop()
    await customers.stop()
  })
})

describe('GET /v1/notifications/{id}', () => {
  it('admins read the whole text, and users read it with masked numbers, codes and addresses', async () => {
    const { orderId } = await place()
    const { id, text } = await service.waitFor(orderId, { status: 'sent' })
    expect(text).toBeUndefined()
    const sent = { subject: null, text: 'Ana, thank you for your order ORD-000123: KES 56,000.68. Duka' }
    expect((await service.admin.get(`/v1/notifications/${id}`)).body).toMatchObject(sent)
    const masked = { subject: null, text: 'Ana, thank you for your order ***: KES ***. Duka' }
    expect((await service.user.get(`/v1/notifications/${id}`)).body).toMatchObject(masked)
  })

  it('an e-mail has a subject and a text', async () => {
    const email = `ana.${newId()}@example.com`
    const { orderId } = await place({ phone: null, email })
    const { id } = await service.waitFor(orderId, { status: 'sent', channel: 'email' })
    const { body: whole } = await service.admin.get(`/v1/notifications/${id}`)
    expect(whole).toMatchObject({
      subject: 'Your order ORD-000123 at Duka',
      text: expect.stringContaining('Hello Ana,'),
    })
    const { body: masked } = await service.user.get(`/v1/notifications/${id}`)
    expect(masked).toMatchObject({ subject: 'Your order *** at Duka', text: expect.stringContaining('order ***.') })
  })

  it('a message that was not sent has no text', async () => {
    const { orderId } = await place({ smsOptOut: true })
    const { id } = await service.waitFor(orderId, { status: 'skipped' })
    expect((await service.admin.get(`/v1/notifications/${id}`)).body).toMatchObject({ subject: null, text: null })
  })

  it('GET returns 404 for an unknown id and 400 for an invalid one', async () => {
    expect((await service.user.get(`/v1/notifications/${newId()}`)).status).toBe(404)
    expect((await service.user.get('/v1/notifications/1')).status).toBe(400)
  })
})

describe('POST /v1/notifications/{id}/retry', () => {
  it('retry sends a failed notification again', async () => {
    const { orderId, phone } = await place({}, 400)
    const { id } = await service.waitFor(orderId, { status: 'failed', reason: 'http_400' })
    const { status, body, headers } = await service.admin.post(`/v1/notifications/${id}/retry`)
    expect([status, headers.get('location')]).toEqual([202, `/v1/notifications/${id}`])
    expect(body).toMatchObject({ id, status: 'queued', reason: null })
    await service.waitFor(orderId, { status: 'sent', attempts: 2 })
    expect(service.sms.seen(phone)).toHaveLength(2)
  })

  it('retry sends a skipped notification if the customer has opted in again', async () => {
    const { orderId, customer, phone } = await place({ smsOptOut: true })
    const { id } = await service.waitFor(orderId, { status: 'skipped' })
    const back = customerEvent({ id: customer.subject, phone, version: 2 }, 'customer.updated.v1')
    await service.publish(back)
    await service.waitUntilHandled('customers', back)
    expect((await service.admin.post(`/v1/notifications/${id}/retry`)).status).toBe(202)
    await service.waitFor(orderId, { status: 'sent', to: phone })
  })

  it('a repeated retry with an Idempotency-Key sends once', async () => {
    const { orderId, phone } = await place({}, 400)
    const { id } = await service.waitFor(orderId, { status: 'failed' })
    const retry = () => service.admin.post(`/v1/notifications/${id}/retry`, undefined, { 'idempotency-key': `r-${id}` })
    const [first] = [await retry()]
    await service.waitFor(orderId, { status: 'sent' })
    const again = await retry()
    expect([first.status, again.status, again.headers.get('idempotency-replayed')]).toEqual([202, 202, 'true'])
    expect(service.sms.seen(phone)).toHaveLength(2)
  })

  it('retry returns 409 if the notification was sent and 404 for an unknown id', async () => {
    const { orderId } = await place()
    const { id } = await service.waitFor(orderId, { status: 'sent' })
    const { status, body } = await service.admin.post(`/v1/notifications/${id}/retry`)
    expect([status, body.code]).toEqual([409, 'invalid_state'])
    expect((await service.admin.post(`/v1/notifications/${newId()}/retry`)).status).toBe(404)
  })
})

describe('Metrics of notifications', () => {
  it('metrics count messages by status and provider, and measure sending times and queued messages', async () => {
    const { orderId } = await place()
    await service.waitFor(orderId, { status: 'sent' })
    const text = await (await fetch(`${service.internalUrl}/metrics`)).text()
    expect(text).toMatch(/notifications_total\{status="sent",provider="africastalking"\} [1-9]/)
    expect(text).toMatch(/notification_send_seconds_count\{provider="africastalking",outcome="accepted"\} [1-9]/)
    expect(text).toMatch(/notifications_queued \d/)
    expect(text).toMatch(/notifications_queued_oldest_seconds \d/)
  })
})
