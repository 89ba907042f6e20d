import { refuseSender } from '@clientele/platform/events/sender'

const type = 'customer.created.v1'
const event = { id: 'e', source: '/customer-service', type, subject: 's', time: 't', data: {} }
const queue = 'order-service.customers'

type Change = {
  exchange?: string
  routingKey?: string
  userId?: string
  headers?: Record<string, unknown>
  source?: string
  type?: string
}
const refusalOf = ({ source = event.source, type: other = type, ...change }: Change): string | undefined => {
  const { exchange = 'clientele.events', routingKey = type, userId, headers = {} } = change
  return refuseSender(
    { fields: { exchange, routingKey }, properties: { userId, headers } },
    { ...event, source, type: other },
    queue,
  )
}

describe('The sender of an event', () => {
  it.each<[string, Change]>([
    ['the account of its publisher', { userId: 'clientele-customer-service' }],
    ['the account of its publisher with another prefix', { userId: 'shop-customer-service' }],
    ['no account, as events of older releases have', {}],
    ['an account that belongs to no service', { userId: 'clientele' }],
    ['a retry from a queue of an older release', { exchange: '', routingKey: queue }],
    ['a retry', { exchange: 'order-service.queues', routingKey: queue, headers: { 'x-death': [{}] } }],
    ['a type that no service of the registry publishes', { type: 'note.created.v1', source: '/notes' }],
  ])('is accepted with %s', (_, change) => {
    expect(refusalOf(change)).toBeUndefined()
  })

  it.each<[string, Change, string]>([
    ['the source of another service', { source: '/media-service' }, 'source is not customer-service'],
    [
      'the source of another service in a retry',
      { exchange: '', source: '/media-service' },
      'source is not customer-service',
    ],
    [
      'the account of another service',
      { userId: 'clientele-media-service' },
      'published by the account of media-service',
    ],
    ['another routing key', { routingKey: 'media.stored.v1' }, 'published as media.stored.v1'],
    ['another exchange', { exchange: 'media-service.x' }, 'published to media-service.x'],
    [
      'the retry exchange of another service',
      { exchange: 'media-service.queues' },
      'published to media-service.queues',
    ],
    ['a way through another queue', { headers: { 'x-death': [{}] } }, 'dead-lettered by another queue'],
  ])('is refused with %s', (_, change, reason) => {
    expect(refusalOf(change)).toBe(reason)
  })
})
