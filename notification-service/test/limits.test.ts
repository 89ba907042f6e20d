import { metrics } from '@clientele/platform/runtime/telemetry'
import { aPhone, customerEvent, dataOf, orderEvent, type Running, startNotifications } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startNotifications({
    config: { maxMessagesPerRecipient: 2, maxMessagesPerAuthor: 3, maxMessagesPerDay: 5, smsCountries: ['KE', 'UG'] },
  })
})
afterAll(() => service?.stop())
beforeEach(async () => {
  await service.db.query('delete from notifications')
})

const aCustomer = async (fields: Record<string, unknown> = {}) => {
  const customer = customerEvent(fields)
  await service.publish(customer)
  return customer
}
const anOrderBy = (author: string, customerId: string) => {
  const order = orderEvent(customerId)
  return { ...order, data: { ...(order.data as object), actor: { id: author, displayName: 'Ana' } } }
}
const statusesOf = (orders: { subject: string }[]) =>
  Promise.all(
    orders.map(async ({ subject }) => {
      const { status, reason } = await service.waitFor(subject, { status: expect.stringMatching(/sent|skipped/) })
      return reason ?? status
    }),
  )
/** Publishes orders one after the other, so that the first ones are sent first. @returns their status or reason */
const place = async (orders: ReturnType<typeof anOrderBy>[]) => {
  const outcomes: string[] = []
  for (const order of orders) {
    await service.publish(order)
    outcomes.push(...(await statusesOf([order])))
  }
  return outcomes
}
const repeat = <T>(times: number, make: (index: number) => T): T[] => Array.from({ length: times }, (_, i) => make(i))

describe('The limits of messages', () => {
  it('further messages to one number within the hour are skipped, counted, and sent later on request', async () => {
    const customer = await aCustomer()
    const orders = repeat(3, (index) => anOrderBy(`author-${index}`, customer.subject))
    expect(await place(orders)).toEqual(['sent', 'sent', 'recipient_limit'])
    expect(service.sms.seen(dataOf(customer).phone)).toHaveLength(2)
    expect(await metrics.metrics()).toMatch(/notifications_over_limit_total\{.*reason="recipient_limit".*\} 1/)
    const skipped = await service.notificationOf(orders[2]?.subject ?? '')
    expect(await service.tap.next('notification.skipped.v1', skipped.id)).toMatchObject({
      data: { status: 'skipped', reason: 'recipient_limit' },
    })

    await service.db.query(`update notifications set attempt_started_at = attempt_started_at - interval '61 minutes'`)
    expect((await service.admin.post(`/v1/notifications/${skipped.id}/retry`)).status).toBe(202)
    await service.waitFor(orders[2]?.subject ?? '', { status: 'sent' })
  })

  it('further messages of one author within the day are skipped, and those of others are sent', async () => {
    const customers = await Promise.all(repeat(5, () => aCustomer()))
    const orders = customers.map(({ subject }, index) => anOrderBy(index === 4 ? 'other' : 'author', subject))
    expect(await place(orders)).toEqual(['sent', 'sent', 'sent', 'author_limit', 'sent'])
  })

  it('at most the messages of a day are sent, also by two replicas at once', async () => {
    const second = await service.another()
    try {
      const customers = await Promise.all(repeat(12, () => aCustomer()))
      const orders = customers.map(({ subject }, index) => anOrderBy(`author-${index}`, subject))
      await service.publish(...orders)
      const outcomes = await statusesOf(orders)
      expect(outcomes.filter((outcome) => outcome === 'sent')).toHaveLength(5)
      expect(outcomes.filter((outcome) => outcome === 'installation_limit')).toHaveLength(7)
    } finally {
      await second.stop()
    }
  })

  it('only numbers of allowed countries get text messages', async () => {
    const phones = ['+256712345678', '+447911123456', '+8835100012345']
    const customers = await Promise.all(phones.map((phone) => aCustomer({ phone })))
    const orders = customers.map(({ subject }, index) => anOrderBy(`author-${index}`, subject))
    expect(await place(orders)).toEqual(['sent', 'country_not_allowed', 'country_not_allowed'])
    expect(service.sms.seen('+447911123456')).toEqual([])
  })

  it('e-mails count as well', async () => {
    const email = `${aPhone().slice(1)}@example.com`
    const customer = await aCustomer({ phone: null, email })
    const orders = repeat(3, (index) => anOrderBy(`author-${index}`, customer.subject))
    expect(await place(orders)).toEqual(['sent', 'sent', 'recipient_limit'])
  })
})
