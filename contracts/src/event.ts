import { z } from 'zod'
import { ActorRef, time, uuid } from './fields.ts'

/** An event without id and time, which the outbox adds. */
export type NewEvent<T = unknown> = {
  type: string
  subject: string
  data: T & { version: number; actor: ActorRef; changed?: string[]; previous?: Record<string, unknown> }
}

/**
 * Declares an event type. `data` is the shape of the resource; `version`, `actor` and, for updates, `changed` and `previous` are
 * added. `schema` is the schema of the message: a CloudEvents 1.0 envelope in structured JSON.
 * @example
 * export const customerCreated = event('customer.created.v1', Customer)
 * await outbox.add(tx, customerCreated.of(customer, actor))
 */
export const event = <S extends z.ZodRawShape>(type: string, data: z.ZodObject<S>) => {
  const payload = data.extend({
    version: z.int().min(1),
    actor: ActorRef,
    changed: z.array(z.string()).optional(),
    previous: z.record(z.string(), z.unknown()).optional(),
  })
  return {
    type,
    data: payload,
    schema: z.object({
      specversion: z.literal('1.0'),
      id: uuid,
      source: z.string(),
      type: z.literal(type),
      subject: z.string(),
      time,
      datacontenttype: z.literal('application/json'),
      data: payload,
    }),
    /** Creates the event of one change. For an update, `change` has the changed fields and their previous values. */
    of: (
      resource: z.infer<z.ZodObject<S>> & { id: string; version: number },
      actor: ActorRef,
      change?: { changed: string[]; previous: Record<string, unknown> },
    ): NewEvent => ({ type, subject: resource.id, data: { ...resource, actor, ...change } }),
  }
}

/** An event type with any data. */
export type EventType = {
  type: string
  data: z.ZodType
  schema: z.ZodType<{ id: string; source: string; type: string; subject: string; time: string; data: unknown }>
}
