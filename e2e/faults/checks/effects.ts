import { schemaOf } from '../../services.ts'
import type { Event } from '../journal.ts'
import type { Ledger } from '../ledger.ts'
import { distinctEvents } from './events.ts'
import type { Query } from './query.ts'

const most = 20

/** Consumers leave aside what changes nothing for them: an order of nobody, and what is made without a photo. */
const concerns = (queue: string, { type, data }: Event): boolean => {
  if (queue === 'notification-service.orders') return data.customerId !== null
  return queue !== 'media-service.usage' || data.photoMediaId !== null || !type.includes('.created.')
}

/** Each consumer has noted each of its events; the note and the effect are one transaction. */
export const inboxFaults = async (
  events: readonly Event[],
  bindings: Map<string, string[]>,
  query: Query,
): Promise<string[]> => {
  const faults: string[] = []
  for (const [queue, types] of bindings) {
    const [service = ''] = queue.split('.', 1)
    if (!(service in schemaOf)) continue
    const rows = await query<{ id: string }>(service, 'select event_id as id from inbox where consumer = $1', [queue])
    const noted = new Set(rows.map(({ id }) => id))
    const wanted = distinctEvents(events).filter((event) => types.includes(event.type) && concerns(queue, event))
    const missing = wanted.filter(({ id }) => !noted.has(id))
    if (missing.length > 0)
      faults.push(
        `${queue} never handled ${missing.length} of ${wanted.length}: ${missing
          .slice(0, 3)
          .map(({ type, id }) => `${type} ${id}`)
          .join(', ')}`,
      )
    if (noted.size > wanted.length) faults.push(`${queue} handled ${noted.size - wanted.length} that nobody saw`)
  }
  return faults
}

/** What consumers keep is what its owner has. */
export const projectionFaults = async (query: Query, ledger: Ledger): Promise<string[]> => {
  const faults: string[] = []
  const users = await query<{ id: string; name: string }>(
    'user-service',
    'select id, display_name as name from users',
    [],
  )
  const names = await query<{ id: string; name: string }>(
    'customer-service',
    'select id, display_name as name from user_names',
    [],
  )
  const nameOf = new Map(names.map(({ id, name }) => [id, name]))
  for (const { id, name } of users)
    if (nameOf.get(id) !== name) faults.push(`name of user ${id}: "${nameOf.get(id)}" instead of "${name}"`)

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
      faults.push(`usage of customer ${id}: ${photoOf.get(id)} instead of ${photo}`)

  const signedUp = await query<{ email: string; count: number }>(
    'customer-service',
    'select email, count(*)::int as count from customers where user_id is not null group by email',
    [],
  )
  const countOf = new Map(signedUp.map(({ email, count }) => [email, count]))
  for (const { email, createCustomer } of ledger.signUps)
    if ((countOf.get(email) ?? 0) !== (createCustomer ? 1 : 0))
      faults.push(`${email} has ${countOf.get(email) ?? 0} customers, wished: ${createCustomer}`)
  return faults.slice(0, most)
}
