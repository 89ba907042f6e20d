import type { Event } from '../journal.ts'
import type { Ledger } from '../ledger.ts'

/** Each event once, by its first appearance: a relay may send one twice, under the same id. */
export const distinctEvents = (events: readonly Event[]): Event[] => {
  const seen = new Set<string>()
  return events.filter(({ id }) => !seen.has(id) && seen.add(id))
}

const of = (events: readonly Event[], prefix: string): Map<string, Event[]> =>
  Map.groupBy(
    distinctEvents(events).filter(({ type }) => type.startsWith(prefix)),
    ({ subject }) => subject,
  )

const most = 20

/** Faults of the customers' events: gaps, disorder, an acknowledged change without its event or with two. */
export const customerEventFaults = (events: readonly Event[], ledger: Ledger): string[] => {
  const bySubject = of(events, 'customer.')
  const faults: string[] = []
  for (const [subject, own] of bySubject) {
    const versions = own.map(({ data }) => data.version)
    if (versions.some((version, index) => version !== index + 1))
      faults.push(
        `events of ${subject} are not 1, 2, 3…: ${own.map(({ type, data }) => `${data.version} ${type}`).join(', ')}`,
      )
  }
  for (const { subject, version, type } of ledger.changes) {
    const found = (bySubject.get(subject) ?? []).filter(({ data }) => data.version === version)
    if (found.length !== 1 || found[0]?.type !== type)
      faults.push(
        `${type} ${subject} version ${version}: ${found.length} events ${found.map((event) => event.type).join(', ')}`,
      )
  }
  for (const { id, version, known } of ledger.customers) {
    const last = bySubject.get(id)?.at(-1)?.data.version
    if (known && last !== version) faults.push(`${id} is at version ${version}, its last event at ${last}`)
  }
  return faults.slice(0, most)
}

/** Faults of the events of media and users: an upload without exactly one event, versions that go back. */
export const otherEventFaults = (events: readonly Event[], ledger: Ledger): string[] => {
  const media = of(events, 'media.')
  const users = of(events, 'user.')
  const faults: string[] = []
  for (const { id } of ledger.uploads) {
    const stored = (media.get(id) ?? []).filter(({ type }) => type === 'media.stored.v1')
    if (stored.length !== 1) faults.push(`upload ${id} has ${stored.length} events`)
  }
  for (const [subject, own] of [...media, ...users]) {
    const versions = own.map(({ data }) => data.version)
    if (versions.some((version, index) => version < (versions[index - 1] ?? 0)))
      faults.push(`events of ${subject} go back: ${own.map(({ type, data }) => `${data.version} ${type}`).join(', ')}`)
  }
  for (const { id } of ledger.users) {
    const created = (users.get(id) ?? []).filter(({ type }) => type === 'user.created.v1')
    if (created.length !== 1) faults.push(`user ${id} has ${created.length} events of its creation`)
  }
  return faults.slice(0, most)
}
