import type { Event } from '../event-log.ts'
import type { Ledger } from '../ledger.ts'

/** Removes duplicates by event id and keeps the first. A relay may publish an event twice. */
export const distinctEvents = (events: readonly Event[]): Event[] => {
  const seen = new Set<string>()
  return events.filter(({ id }) => !seen.has(id) && seen.add(id))
}

const eventsBySubject = (events: readonly Event[], prefix: string): Map<string, Event[]> =>
  Map.groupBy(
    distinctEvents(events).filter(({ type }) => type.startsWith(prefix)),
    ({ subject }) => subject,
  )

const maxErrors = 20

/** Finds gaps, wrong order, and acknowledged changes of customers that do not have exactly one event. */
export const checkCustomerEvents = (events: readonly Event[], ledger: Ledger): string[] => {
  const bySubject = eventsBySubject(events, 'customer.')
  const errors: string[] = []
  for (const [subject, own] of bySubject) {
    const versions = own.map(({ data }) => data.version)
    if (versions.some((version, index) => version !== index + 1))
      errors.push(
        `events of ${subject} are not 1, 2, 3…: ${own.map(({ type, data }) => `${data.version} ${type}`).join(', ')}`,
      )
  }
  for (const { subject, version, type } of ledger.changes) {
    const found = (bySubject.get(subject) ?? []).filter(({ data }) => data.version === version)
    if (found.length !== 1 || found[0]?.type !== type)
      errors.push(
        `${type} ${subject} version ${version}: ${found.length} events ${found.map((event) => event.type).join(', ')}`,
      )
  }
  for (const { id, version, certain } of ledger.customers) {
    const last = bySubject.get(id)?.at(-1)?.data.version
    if (certain && last !== version) errors.push(`${id} is at version ${version}, its last event at ${last}`)
  }
  return errors.slice(0, maxErrors)
}

/** Finds uploads and users that do not have exactly one creation event, and versions that decrease. */
export const checkMediaAndUserEvents = (events: readonly Event[], ledger: Ledger): string[] => {
  const media = eventsBySubject(events, 'media.')
  const users = eventsBySubject(events, 'user.')
  const errors: string[] = []
  for (const { id } of ledger.uploads) {
    const stored = (media.get(id) ?? []).filter(({ type }) => type === 'media.stored.v1')
    if (stored.length !== 1) errors.push(`upload ${id} has ${stored.length} media.stored events`)
  }
  for (const [subject, own] of [...media, ...users]) {
    const versions = own.map(({ data }) => data.version)
    if (versions.some((version, index) => version < (versions[index - 1] ?? 0)))
      errors.push(
        `versions in the events of ${subject} decrease: ${own.map(({ type, data }) => `${data.version} ${type}`).join(', ')}`,
      )
  }
  for (const { id } of ledger.users) {
    const created = (users.get(id) ?? []).filter(({ type }) => type === 'user.created.v1')
    if (created.length !== 1) errors.push(`user ${id} has ${created.length} user.created events`)
  }
  return errors.slice(0, maxErrors)
}
