import { testLog } from '@clientele/platform/testing/service'
import { createLogProvider } from '../src/providers/log-provider.ts'
import { customerEvent, orderEvent, startNotifications } from './start.ts'

describe('Without an SMS provider', () => {
  it('the message counts as sent, and no SMS is sent', async () => {
    const service = await startNotifications({ config: { smsProvider: 'log' } })
    const customer = customerEvent()
    const order = orderEvent(customer.subject)
    await service.publish(customer, order)
    await service.waitFor(order.subject, { status: 'sent', channel: 'sms', provider: 'log', cost: null })
    expect(service.sms.seen()).toEqual([])
    await service.stop()
  })

  it('the log contains neither the number nor the text', async () => {
    const lines: string[] = []
    const log = Object.assign(testLog(), { info: (...parts: unknown[]) => lines.push(JSON.stringify(parts)) })
    const message = { id: 'n.1', to: '+254711000111', subject: '', text: 'Ana, thank you' }
    const outcome = await createLogProvider(log).send(message, new AbortController().signal)
    expect(outcome.kind).toBe('accepted')
    expect(lines).toHaveLength(1)
    expect(lines[0]).toContain('+254711***111')
    expect(lines[0]).not.toMatch(/711000111|thank/)
  })
})
