import { newId } from '@clientele/platform/data/db'
import { eventually } from '@clientele/platform/testing/wait'
import { aPhone, customerEvent, dataOf, orderEvent, type Running, startNotifications } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startNotifications({ timing: { customerWaitMs: 1_500 } })
})
afterAll(() => service?.stop())

describe('The confirmation of an order', () => {
  it('a placed order sends one SMS with number, total and shop, and publishes notification.sent.v1', async () => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await service.publish(customer, order)
    const { phone } = dataOf(customer)
    const sent = await service.waitFor(order.subject, { status: 'sent' })
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
    const { to: _to, customer: _customer, ...expected } = sent
    expect(data).toMatchObject(expected)
    expect(JSON.stringify(data)).not.toContain(phone)
  })

  it('an order sends one SMS even if its event is repeated, or another event has the same order', async () => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    const again = { ...order, id: newId() }
    await service.publish(customer, order, order, again)
    await service.waitUntilHandled('orders', again)
    await service.waitFor(order.subject, { status: 'sent' })
    const last = orderEvent(customer.subject)
    await service.publish(last)
    await service.waitFor(last.subject, { status: 'sent' })
    expect(service.sms.seen(dataOf(customer).phone)).toHaveLength(2)
    expect((await service.admin.get(`/v1/notifications?orderId=${order.subject}`)).body.page.total).toBe(1)
  })

  it('the message waits for a customer whose events arrive after the order', async () => {
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await service.publish(order)
    await service.waitUntilHandled('orders', order)
    expect(await service.notificationOf(order.subject)).toMatchObject({
      status: 'queued',
      channel: null,
      to: null,
      version: 1,
    })
    await service.publish(customer)
    await service.waitFor(order.subject, { status: 'sent', to: dataOf(customer).phone })
  })

  it('the message is in the language of the customer', async () => {
    const customer = customerEvent({ locale: 'es-MX' })
    const order = orderEvent(customer.subject, { total: '1234.50', currency: 'MXN' })
    await service.publish(customer, order)
    await service.waitFor(order.subject, { status: 'sent', locale: 'es-MX' })
    expect(service.sms.seen(dataOf(customer).phone)[0]?.form['message']).toBe(
      'Ana, gracias por su pedido ORD-000123: $1,234.50. Duka',
    )
  })
})

describe('Skipped messages', () => {
  it.each([
    ['opted_out', { smsOptOut: true }],
    ['no_address', { phone: null }],
    ['customer_deleted', { deletedAt: new Date().toISOString() }],
  ])('a message is skipped with %s', async (reason, fields) => {
    const customer = customerEvent(fields)
    const order = orderEvent(customer.subject)
    await service.publish(customer)
    await service.waitUntilHandled('customers', customer)
    await service.publish(order)
    const { id } = await service.waitFor(order.subject, { status: 'skipped', reason, attempts: 0, to: null })
    expect((await service.tap.next('notification.skipped.v1', id)).data).toMatchObject({ reason })
  })

  it('an order without a customer makes no notification', async () => {
    const [withoutCustomer, withCustomer] = [orderEvent(null), orderEvent(newId())]
    await service.publish(withoutCustomer, withCustomer)
    await service.waitUntilHandled('orders', withCustomer)
    await eventually(async () => expect(await service.broker.messageCount('notification-service.orders')).toBe(0))
    expect((await service.admin.get(`/v1/notifications?orderId=${withoutCustomer.subject}`)).body.page.total).toBe(0)
  })

  it('a message is skipped with customer_unknown if its customer stays unknown', async () => {
    const order = orderEvent(newId())
    await service.publish(order)
    await service.waitFor(order.subject, { status: 'skipped', reason: 'customer_unknown' })
  })
})

describe('The projection of customers', () => {
  it('the newest version of a customer wins, whatever the order of its events', async () => {
    const [old, current] = [aPhone(), aPhone()]
    const id = newId()
    const late = customerEvent({ id, phone: old, version: 1 })
    await service.publish(customerEvent({ id, phone: current, version: 2 }, 'customer.updated.v1'), late)
    await service.waitUntilHandled('customers', late)
    const order = orderEvent(id)
    await service.publish(order)
    await service.waitFor(order.subject, { status: 'sent', to: current })
  })

  it("a purge removes a customer's addresses, also from notifications and reports, and a late event does not restore them", async () => {
    const customer = customerEvent({ version: 3 })
    const id = customer.subject
    const order = orderEvent(id)
    await service.publish(customer, order)
    await service.waitFor(order.subject, { status: 'sent', to: dataOf(customer).phone })
    const { phone: phoneNumber } = dataOf(customer)
    await service.report({ id: 'ATXid_too_early', status: 'Success', phoneNumber })
    const purged = customerEvent({ id, name: null, phone: null, email: null, version: 4 }, 'customer.purged.v1')
    const late = customerEvent({ id, version: 9 }, 'customer.updated.v1')
    await service.publish(purged, late)
    await service.waitUntilHandled('customers', late)
    const { id: notificationId } = await service.waitFor(order.subject, { status: 'sent', to: null })
    const { body } = await service.admin.get(`/v1/notifications/${notificationId}`)
    expect(body).toMatchObject({ subject: null, text: null })
    const [row] = await service.db.query('select * from customers where id = $1', [id])
    expect(row).toMatchObject({ code: null, name: null, surname: null, phone: null, email: null, purged: true })
    expect(await service.notificationOf(order.subject)).toMatchObject({ customer: null, orderNumber: 'ORD-000123' })
    const storedReports = 'select from delivery_reports where recipient = $1'
    expect(await service.db.query(storedReports, [phoneNumber])).toHaveLength(0)
    const next = orderEvent(id)
    await service.publish(next)
    await service.waitFor(next.subject, { status: 'skipped', reason: 'customer_deleted' })
  })
})
