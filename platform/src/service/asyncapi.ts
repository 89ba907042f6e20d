import type { EventType } from '@clientele/contracts/event'
import { z } from 'zod'
import { exchange } from '../events/broker.ts'
import type { ServiceContract } from './contract.ts'

const channelName = (type: string): string => type.replace(/[.](\w)/g, (_match, letter: string) => letter.toUpperCase())

const channelOf = ({ type, schema }: EventType) => ({
  address: type,
  messages: {
    [channelName(type)]: {
      name: type,
      contentType: 'application/cloudevents+json',
      payload: z.toJSONSchema(schema, { io: 'output', target: 'draft-7', unrepresentable: 'any' }),
    },
  },
  bindings: { amqp: { is: 'routingKey', exchange: { name: exchange, type: 'topic', durable: true, vhost: '/' } } },
})

/** The AsyncAPI 3.0 document of a service's events: CloudEvents 1.0 on one topic exchange, the type being the routing key. */
export const asyncApiDocument = ({ service, title, publishes, consumes }: ServiceContract) => {
  const events = [...new Map([...publishes, ...consumes].map((event) => [event.type, event])).values()]
  const operation = (action: 'send' | 'receive', { type }: EventType) => [
    `${action}.${type}`,
    { action, channel: { $ref: `#/channels/${channelName(type)}` } },
  ]
  return {
    asyncapi: '3.0.0',
    info: { title: `${title}: events`, version: '1', description: `Generated from the events of ${service}.` },
    defaultContentType: 'application/cloudevents+json',
    channels: Object.fromEntries(events.map((event) => [channelName(event.type), channelOf(event)])),
    operations: Object.fromEntries([
      ...publishes.map((event) => operation('send', event)),
      ...consumes.map((event) => operation('receive', event)),
    ]),
  }
}
