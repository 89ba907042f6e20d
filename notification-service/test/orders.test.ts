import { newId } from '@clientele/platform/data/db'
import { eventually } from '@clientele/platform/testing/wait'
import { aPhone, customerEvent, dataOf, orderEvent, type Running, startNotifications } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startNotifications({ timing: { customerWaitMs: 1_500 } })
})
afterAll(() => service?.stop())

describe('an order is confirmed to the customer (S3-03, S3-06)', () => {
  it('sends one text with number, total and shop, and tells of it', async () => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await service.publish(customer, order)
    const { phone } = dataOf(customer)
    const sent = await service.becomes(order.subject, { status: 'sent' })
    const [text, ...more] = service.sms.seen(phone)
    expect(more).toEqual([])
    expect(text?.path).toBe('/version1/messaging')
    expect(text?.headers).toMatchObject({ apikey: 'at-key', accept: 'application/json' })
    expect(text?.form).toEqual({
      username: 'duka',
      to: phone,
      from: 'DUKA',
      message: 'Ana, thank you for your order ORD-000123: KES 56,000.68. Duka',
    })
    expect(sent).toMatchObject({
      channel: 'sms',
      to: phone,
      template: 'order-placed',
      provider: 'africastalking',
      cost: 'KES 0.8000',
      reason: null,
      attempts: 1,
      customerId: customer.subject,
      locale: 'en',
    })
    const { data } = await service.tap.next('notification.sent.v1', sent.id)
    const { to: _to, ...told } = sent
    expect(data).toMatchObject(told)
    expect(JSON.stringify(data)).not.toContain(phone)
  })

  it('sends one text where the event comes twice, and where another event tells of the same order', async () => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    const again = { ...order, id: newId() }
    await service.publish(customer, order, order, again)
    await service.handled('orders', again)
    await service.becomes(order.subject, { status: 'sent' })
    const last = orderEvent(customer.subject)
    await service.publish(last)
    await service.becomes(last.subject, { status: 'sent' })
    expect(service.sms.seen(dataOf(customer).phone)).toHaveLength(2)
    expect((await service.admin.get(`/v1/notifications?orderId=${order.subject}`)).body.page.total).toBe(1)
  })

  it('waits for a customer who becomes known after the order', async () => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await service.publish(order)
    await service.handled('orders', order)
    expect(await service.ofOrder(order.subject)).toMatchObject({
      status: 'queued',
      channel: null,
      to: null,
      version: 1,
    })
    await service.publish(customer)
    await service.becomes(order.subject, { status: 'sent', to: dataOf(customer).phone })
  })

  it('writes in the language of the customer', async () => {
    const customer = customerEvent({ locale: 'es-MX' })
    const order = orderEvent(customer.subject, { total: '1234.50', currency: 'MXN' })
    await service.publish(customer, order)
    await service.becomes(order.subject, { status: 'sent', locale: 'es-MX' })
    expect(service.sms.seen(dataOf(customer).phone)[0]?.form['message']).toBe(
      'Ana, gracias por su pedido ORD-000123: $1,234.50. Duka',
    )
  })
})

describe('nobody is told', () => {
  it.each([
    ['opted_out', { smsOptOut: true }],
    ['no_address', { phone: null }],
    ['customer_deleted', { deletedAt: new Date().toISOString() }],
  ])('%s', async (reason, fields) => {
    const customer = customerEvent(fields)
    const order = orderEvent(customer.subject)
    await service.publish(customer)
    await service.handled('customers', customer)
    await service.publish(order)
    const { id } = await service.becomes(order.subject, { status: 'skipped', reason, attempts: 0, to: null })
    expect((await service.tap.next('notification.skipped.v1', id)).data).toMatchObject({ reason })
  })

  it('of an order of nobody, which leaves nothing here', async () => {
    const [ofNobody, ofSomebody] = [orderEvent(null), orderEvent(newId())]
    await service.publish(ofNobody, ofSomebody)
    await service.handled('orders', ofSomebody)
    await eventually(async () => expect(await service.broker.count('notification-service.orders')).toBe(0))
    expect((await service.admin.get(`/v1/notifications?orderId=${ofNobody.subject}`)).body.page.total).toBe(0)
  })

  it('customer_unknown, after a while', async () => {
    const order = orderEvent(newId())
    await service.publish(order)
    await service.becomes(order.subject, { status: 'skipped', reason: 'customer_unknown' })
  })
})

describe('what is known of a customer', () => {
  it('is the newest version, whatever order the events come in', async () => {
    const [old, current] = [aPhone(), aPhone()]
    const id = newId()
    const late = customerEvent({ id, phone: old, version: 1 })
    await service.publish(customerEvent({ id, phone: current, version: 2 }, 'customer.updated.v1'), late)
    await service.handled('customers', late)
    const order = orderEvent(id)
    await service.publish(order)
    await service.becomes(order.subject, { status: 'sent', to: current })
  })

  it('is nothing after a purge: addresses go from what was sent, and no late event brings them back', async () => {
    const customer = customerEvent({ version: 3 })
    const id = customer.subject
    const order = orderEvent(id)
    await service.publish(customer, order)
    await service.becomes(order.subject, { status: 'sent', to: dataOf(customer).phone })
    const { phone: phoneNumber } = dataOf(customer)
    await service.report({ id: 'ATXid_too_early', status: 'Success', phoneNumber })
    const purged = customerEvent({ id, name: null, phone: null, email: null, version: 4 }, 'customer.purged.v1')
    const late = customerEvent({ id, version: 9 }, 'customer.updated.v1')
    await service.publish(purged, late)
    await service.handled('customers', late)
    await service.becomes(order.subject, { status: 'sent', to: null })
    const [row] = await service.db.query('select * from customers where id = $1', [id])
    expect(row).toMatchObject({ name: null, phone: null, email: null, purged: true })
    const kept = 'select from delivery_reports where recipient = $1'
    expect(await service.db.query(kept, [phoneNumber])).toHaveLength(0)
    const next = orderEvent(id)
    await service.publish(next)
    await service.becomes(next.subject, { status: 'skipped', reason: 'customer_deleted' })
  })
})
