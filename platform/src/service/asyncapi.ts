import type { EventType } from '@clientele/contracts/event'
import { revokingEvents } from '@clientele/contracts/revoking-events'
import { z } from 'zod'
import { exchange } from '../events/broker.ts'
import type { ServiceContract } from './contract.ts'

type Schemas = Record<string, object>

/** `customer.created.v1` → `customerCreatedV1` */
const channelName = (type: string): string =>
  type.replace(/[._](\w)/g, (_match, letter: string) => letter.toUpperCase())

/** The name of the schema of a message: `customer.created.v1` → `CustomerCreatedV1` */
const schemaName = (type: string): string => channelName(type).replace(/^\w/, (letter) => letter.toUpperCase())

const formats = ['uuid', 'date-time', 'email']

/** Adds the schema of an event to `schemas`, and those that it refers to, under their names. */
const addSchemas = ({ type, schema }: EventType, schemas: Schemas): void => {
  const generated = z.toJSONSchema(schema, {
    io: 'output',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ jsonSchema }) => {
      // The format says the same and can be read.
      if (formats.includes(jsonSchema.format ?? '')) delete jsonSchema.pattern
      // Draft 7 has a list of examples. The name of a schema is its key, and is no keyword.
      const { id: _id, example, ...others } = jsonSchema
      if (example !== undefined) others['examples'] = [example]
      for (const key of Object.keys(jsonSchema)) delete jsonSchema[key]
      Object.assign(jsonSchema, others)
    },
  })
  // References lead to the root of the document, so definitions inside a message would not be found.
  const hoisted = JSON.parse(
    JSON.stringify(generated).replaceAll('"$ref":"#/definitions/', '"$ref":"#/components/schemas/'),
  ) as Record<string, unknown>
  const { $schema: _dialect, definitions = {}, ...payload } = hoisted
  Object.assign(schemas, definitions, { [schemaName(type)]: payload })
}

const channelOf = ({ type }: EventType) => ({
  address: type,
  messages: { [channelName(type)]: { $ref: `#/components/messages/${channelName(type)}` } },
  bindings: {
    amqp: {
      is: 'routingKey',
      exchange: { name: exchange, type: 'topic', durable: true, autoDelete: false, vhost: '/' },
      bindingVersion: '0.3.0',
    },
  },
})

const messageOf = ({ type }: EventType) => ({
  name: type,
  title: type,
  contentType: 'application/cloudevents+json',
  payload: { $ref: `#/components/schemas/${schemaName(type)}` },
})

/**
 * Generates the AsyncAPI 3.0 document of a service's events: CloudEvents 1.0 on one topic exchange, with the type as routing
 * key. Every service receives the events that revoke tokens.
 */
export const asyncApiDocument = ({ service, title, publishes, ...contract }: ServiceContract) => {
  const consumes = [...new Set([...contract.consumes, ...revokingEvents])]
  const events = [...new Map([...publishes, ...consumes].map((event) => [event.type, event])).values()]
  const schemas: Schemas = {}
  for (const event of events) addSchemas(event, schemas)
  const operation = (action: 'send' | 'receive', { type }: EventType) => [
    `${action}.${type}`,
    {
      action,
      description: `${service} ${action === 'send' ? 'publishes' : 'consumes'} ${type}`,
      channel: { $ref: `#/channels/${channelName(type)}` },
      messages: [{ $ref: `#/channels/${channelName(type)}/messages/${channelName(type)}` }],
    },
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
    components: {
      messages: Object.fromEntries(events.map((event) => [channelName(event.type), messageOf(event)])),
      schemas: Object.fromEntries(Object.entries(schemas).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
  }
}
