import { schemaOf } from '../../services.ts'
import type { Event } from '../event-log.ts'
import type { Ledger } from '../ledger.ts'
import { distinctEvents } from './events.ts'
import type { Query } from './query.ts'

const maxErrors = 20

/** Consumers skip events without effect for them: orders without a customer, and changes of records that have and had no photo. */
const isForConsumer = (queue: string, { type, data }: Event): boolean => {
  if (queue === 'notification-service.orders') return data.customerId !== null
  if (queue !== 'media-service.usage' || data.photoMediaId !== null) return true
  const changed = data.changed as string[] | undefined
  return type.includes('.purged.') || (type.includes('.updated.') && changed?.includes('photoMediaId') !== false)
}

/** Checks that each consumer's inbox has each of its events, and no other. Inbox row and effect are one transaction. */
export const checkInboxes = async (
  events: readonly Event[],
  bindings: Map<string, string[]>,
  query: Query,
): Promise<string[]> => {
  const errors: string[] = []
  for (const [queue, types] of bindings) {
    const [service = ''] = queue.split('.', 1)
    if (!(service in schemaOf)) continue
    const rows = await query<{ id: string }>(service, 'select event_id as id from inbox where consumer = $1', [queue])
    const handled = new Set(rows.map(({ id }) => id))
    const isBound = (type: string): boolean => types.includes('#') || types.includes(type)
    const expected = distinctEvents(events).filter((event) => isBound(event.type) && isForConsumer(queue, event))
    const missing = expected.filter(({ id }) => !handled.has(id))
    if (missing.length > 0)
      errors.push(
        `${queue} never handled ${missing.length} of ${expected.length}: ${missing
          .slice(0, 3)
          .map(({ type, id }) => `${type} ${id}`)
          .join(', ')}`,
      )
    if (handled.size > expected.length)
      errors.push(`${queue} handled ${handled.size - expected.length} events that are not in the event log`)
  }
  return errors
}

/** Compares projections with their sources: user names, photo usages, and the customers of users who signed up. */
export const checkProjections = async (query: Query, ledger: Ledger): Promise<string[]> => {
  const errors: string[] = []
  const users = await query<{ id: string; name: string }>(
    'user-service',
    'select id, display_name as name from users',
    [],
  )
  for (const service of ['customer-service', 'order-service', 'media-service']) {
    const sql = 'select id, display_name as name from user_names'
    const nameOf = new Map(
      (await query<{ id: string; name: string }>(service, sql, [])).map(({ id, name }) => [id, name]),
    )
    for (const { id, name } of users)
      if (nameOf.get(id) !== name)
        errors.push(`name of user ${id} in ${service}: "${nameOf.get(id)}" instead of "${name}"`)
  }

  const shown = await query<{ id: string; photo: string | null; version: number }>(
    'customer-service',
    'select id, photo_media_id as photo, version from customers',
    [],
  )
  const usages = await query<{ id: string; photo: string | null }>(
    'media-service',
    'select subject as id, media_id as photo from media_usages',
    [],
  )
  const photoOf = new Map(usages.map(({ id, photo }) => [id, photo]))
  for (const { id, photo } of shown)
    if ((photoOf.get(id) ?? null) !== photo)
      errors.push(`usage of customer ${id}: ${photoOf.get(id)} instead of ${photo}`)

  const signedUp = await query<{ email: string; count: number }>(
    'customer-service',
    'select email, count(*)::int as count from customers where user_id is not null group by email',
    [],
  )
  const countOf = new Map(signedUp.map(({ email, count }) => [email, count]))
  for (const { email, createCustomer } of ledger.signUps)
    if ((countOf.get(email) ?? 0) !== (createCustomer ? 1 : 0))
      errors.push(`${email} has ${countOf.get(email) ?? 0} customers, createCustomer: ${createCustomer}`)
  return errors.slice(0, maxErrors)
}
