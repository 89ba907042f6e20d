import type { EventType } from '@clientele/contracts/event'

/** A parsed event of any type. */
export type Envelope = { id: string; source: string; type: string; subject: string; time: string; data: unknown }

/** The event, or the reason why it cannot be read, without values of the event: `schema: /data/id invalid_type`. */
export type ParsedEnvelope = { event: Envelope } | { error: string }

/** Creates a parser for messages whose body is one of `events`. */
export const createEnvelopeParser = (events: readonly EventType[]) => {
  const types = new Map(events.map((event) => [event.type, event]))
  return (content: Buffer): ParsedEnvelope => {
    const value = parseJson(content)
    if (value === undefined) return { error: 'not JSON' }
    const type = typeof value === 'object' && value !== null && 'type' in value ? String(value.type) : undefined
    const expected = type === undefined ? undefined : types.get(type)
    if (!expected) return { error: 'unexpected event type' }
    const result = expected.schema.safeParse(value)
    if (result.success) return { event: result.data }
    const issues = result.error.issues.slice(0, 3).map(({ path, code }) => `/${path.slice(0, 3).join('/')} ${code}`)
    return { error: `schema: ${issues.join(', ')}` }
  }
}

const parseJson = (content: Buffer): unknown => {
  try {
    return JSON.parse(content.toString('utf8'))
  } catch {
    return undefined
  }
}
