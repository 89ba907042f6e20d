import { startMail } from '../../stack/src/backing/mail.ts'
import { freePorts } from '../../stack/src/profile/ports.ts'
import { customerEvent, dataOf, orderEvent, startNotifications } from './start.ts'

describe('The SMS catcher of the local profile', () => {
  it('the SMS is shown on the page of caught mail, and its record names the catcher', async () => {
    const [smtpPort = 0, httpPort = 0] = await freePorts(2)
    const page = await startMail({ smtpPort, httpPort })
    const service = await startNotifications({ config: { smsProvider: 'log', smsCatcherUrl: page.url } })
    try {
      const customer = customerEvent()
      const order = orderEvent(customer.subject)
      await service.publish(customer, order)
      await service.waitFor(order.subject, { status: 'sent', channel: 'sms', provider: 'catcher', cost: null })
      const to = encodeURIComponent(dataOf(customer).phone)
      const caught = await (await fetch(`${page.url}/messages?to=${to}`)).json()
      expect(caught).toMatchObject([
        { kind: 'sms', from: 'Duka', text: 'Ana, thank you for your order ORD-000123: KES 56,000.68. Duka' },
      ])
      expect(service.sms.seen()).toEqual([])
    } finally {
      await service.stop()
      await page.stop()
    }
  })

  it('an SMS is retried if the page is not there', async () => {
    const [port] = await freePorts(1)
    const config = { smsProvider: 'log', smsCatcherUrl: `http://127.0.0.1:${port}` } as const
    const service = await startNotifications({ config, timing: { retryMs: [20] } })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await service.publish(customer, order)
    await service.waitFor(order.subject, { status: 'failed', reason: 'gave_up', attempts: 2 })
    await service.stop()
  })
})
