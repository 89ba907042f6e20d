import { newId } from '@clientele/platform/data/db'
import type { Behaviour } from './africastalking.ts'
import { customerEvent, dataOf, type Overrides, orderEvent, type Running, startNotifications } from './start.ts'

const anAddress = () => `ana.${newId()}@example.com`
const invalidNumber: Behaviour = { recipient: { statusCode: 403, status: 'InvalidPhoneNumber' } }
const unsupportedNumber: Behaviour = { recipient: { statusCode: 404, status: 'UnsupportedNumberType' } }

const placeFor = async (service: Running, fields: Record<string, unknown>) => {
  const customer = customerEvent(fields)
  const order = orderEvent(customer.subject)
  await service.publish(customer)
  await service.waitUntilHandled('customers', customer)
  await service.publish(order)
  return { orderId: order.subject, phone: dataOf(customer).phone }
}
const mailsTo = async (to: string): Promise<unknown[]> =>
  (await fetch(`${process.env['TEST_MAIL_URL']}/messages?to=${encodeURIComponent(to)}`)).json() as Promise<unknown[]>

const withService = async (overrides: Overrides, work: (service: Running) => Promise<void>) => {
  const service = await startNotifications(overrides)
  try {
    await work(service)
  } finally {
    await service.stop()
  }
}

describe('Without an SMS provider', () => {
  it('a customer with an e-mail address gets an e-mail, and one without is skipped with no_sms_provider', () =>
    withService({ config: { smsProvider: 'log' } }, async (service) => {
      const email = anAddress()
      const mailed = await placeFor(service, { email })
      const sent = { status: 'sent', channel: 'email', to: email, provider: 'smtp' }
      await service.waitFor(mailed.orderId, { ...sent, reason: null, fallbackReason: 'no_sms_provider' })
      expect(await mailsTo(email)).toHaveLength(1)
      const skipped = await placeFor(service, {})
      const { id } = await service.waitFor(skipped.orderId, {
        status: 'skipped',
        reason: 'no_sms_provider',
        channel: null,
        attempts: 0,
      })
      expect((await service.tap.next('notification.skipped.v1', id)).data).toMatchObject({ reason: 'no_sms_provider' })
      expect(service.sms.seen()).toEqual([])
    }))

  it('a customer with a number and an e-mail address is skipped if there is no mail server either', () =>
    withService({ config: { smsProvider: 'log', smtpUrl: undefined } }, async (service) => {
      const { orderId } = await placeFor(service, { email: anAddress() })
      await service.waitFor(orderId, { status: 'skipped', reason: 'no_sms_provider' })
    }))
})

describe('Numbers that get no SMS', () => {
  let service: Running
  beforeAll(async () => {
    service = await startNotifications({ config: { smsCountries: ['KE', 'GB'] } })
  })
  afterAll(() => service?.stop())

  it.each([
    ['number_not_mobile', '+442079460018'],
    ['number_not_mobile', '+254202123456'],
    ['country_not_allowed', '+4915112345678'],
  ])('an e-mail is sent with %s instead of an SMS to %s', async (fallbackReason, phone) => {
    const email = anAddress()
    const { orderId } = await placeFor(service, { phone, email })
    const { id } = await service.waitFor(orderId, { status: 'sent', channel: 'email', to: email, fallbackReason })
    expect((await service.tap.next('notification.sent.v1', id)).data).toMatchObject({
      channel: 'email',
      fallbackReason,
    })
    expect(service.sms.seen(phone)).toEqual([])
  })

  it.each([
    ['number_not_mobile', '+442079460018'],
    ['country_not_allowed', '+4915112345678'],
  ])('a message is skipped with %s for %s if there is no e-mail address', async (reason, phone) => {
    const { orderId } = await placeFor(service, { phone })
    await service.waitFor(orderId, { status: 'skipped', reason, fallbackReason: null, attempts: 0 })
    expect(service.sms.seen(phone)).toEqual([])
  })

  it.each([
    ['InvalidPhoneNumber', invalidNumber],
    ['UnsupportedNumberType', unsupportedNumber],
  ])('an e-mail follows once if the provider rejects the number with %s', async (_status, behaviour) => {
    service.sms.next(behaviour)
    const email = anAddress()
    const { orderId, phone } = await placeFor(service, { email })
    const sent = { status: 'sent', channel: 'email', to: email, fallbackReason: 'number_rejected', attempts: 2 }
    await service.waitFor(orderId, { ...sent, reason: null })
    expect(service.sms.seen(phone)).toHaveLength(1)
    expect(await mailsTo(email)).toHaveLength(1)
  })

  it('a message fails with the reason of the provider if it rejects the number and there is no e-mail address', async () => {
    service.sms.next(invalidNumber)
    const { orderId, phone } = await placeFor(service, {})
    const { id } = await service.waitFor(orderId, { status: 'failed', reason: 'InvalidPhoneNumber', attempts: 1 })
    expect((await service.admin.post(`/v1/notifications/${id}/retry`)).status).toBe(202)
    await service.waitFor(orderId, { status: 'sent', channel: 'sms', to: phone, attempts: 2 })
  })
})
