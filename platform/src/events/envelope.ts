import type { EventType } from '@clientele/contracts/event'

/** A parsed event of any type. */
export type Envelope = { id: string; type: string; subject: string; time: string; data: unknown }

/** The event, or why it cannot be read, in words without its values. */
export type Reading = { event: Envelope } | { fault: string }

/** A reader for messages that hold one of `events`. */
export const envelopeReader = (events: readonly EventType[]) => {
  const types = new Map(events.map((event) => [event.type, event]))
  return (content: Buffer): Reading => {
    const value = parseJson(content)
    if (value === undefined) return { fault: 'not JSON' }
    const type = typeof value === 'object' && value !== null && 'type' in value ? String(value.type) : undefined
    const expected = type === undefined ? undefined : types.get(type)
    if (!expected) return { fault: 'not an event of a type that this queue is for' }
    const result = expected.schema.safeParse(value)
    if (result.success) return { event: result.data }
    const faults = result.error.issues.slice(0, 3).map(({ path, code }) => `/${path.slice(0, 3).join('/')} ${code}`)
    return { fault: `schema: ${faults.join(', ')}` }
  }
}

const parseJson = (content: Buffer): unknown => {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch {
    return undefined
  }
}
