import { z } from 'zod'
import { ActorRef, time, uuid } from './fields.ts'

/** An event before it has an id and a time: what a service function hands to the outbox. */
export type NewEvent<T = unknown> = {
  type: string
  subject: string
  data: T & { version: number; actor: ActorRef; changed?: string[]; previous?: Record<string, unknown> }
}

/**
 * Declares an event type. `data` is the resource's shape; `version`, `actor` and, for updates, `changed` and `previous`
 * are added. A consumer parses with `schema`: the whole envelope, CloudEvents 1.0 in structured JSON.
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
    /** The event of one change; `change` names the changed fields and their former values. */
    of: (
      resource: z.infer<z.ZodObject<S>> & { id: string; version: number },
      actor: ActorRef,
      change?: { changed: string[]; previous: Record<string, unknown> },
    ): NewEvent => ({ type, subject: resource.id, data: { ...resource, actor, ...change } }),
  }
}

/** What `event()` returns, whatever its data. */
export type EventType = {
  type: string
  data: z.ZodType
  schema: z.ZodType<{ id: string; type: string; subject: string; time: string; data: unknown }>
}
