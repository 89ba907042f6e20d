import type { SentEvent } from './payload.ts'

/** A place in `events`: the last event that was read, and when it was recorded. */
export type Cursor = { position: number; positionAt: Date }

/** An event to send. `attempts` are those that have failed, `readAt` is when it was read, by `performance.now`. */
export type Item = { seq: number; recordedAt: Date; attempts: number; event: SentEvent; readAt: number }

type Entry = Item & { state: 'waiting' | 'sending' | 'settled' }

/**
 * The events of one cursor that were read and are not all settled: delivered, or kept for a retry. They settle in any order, and the
 * cursor moves up to the first that is not settled.
 */
export const createWindow = (start: Cursor) => {
  let read = start
  let settled = start
  let entries: Entry[] = []

  const moveUp = (): void => {
    const open = entries.findIndex(({ state }) => state !== 'settled')
    const done = open === -1 ? entries : entries.slice(0, open)
    const last = done.at(-1)
    if (last) settled = { position: last.seq, positionAt: last.recordedAt }
    entries = entries.slice(done.length)
    if (entries.length === 0) settled = read
  }

  return {
    /** How far events were read. */
    read: (): Cursor => read,
    /** Up to here everything is settled. */
    settled: (): Cursor => settled,
    size: (): number => entries.length,
    waiting: (): number => entries.filter(({ state }) => state === 'waiting').length,
    /** Adds the events after `read`. `to` is how far they were looked for. */
    add: (items: readonly Item[], to: Cursor): void => {
      entries.push(...items.map((item): Entry => ({ ...item, state: 'waiting' })))
      read = to
      moveUp()
    },
    /** The first event that may be sent now. If `ordered`, it is none with an earlier one of its subject, or with a busy subject. */
    next: (ordered: boolean, isBusy: (subject: string) => boolean): Item | undefined => {
      if (!ordered) return entries.find(({ state }) => state === 'waiting')
      const earlier = new Set<string>()
      for (const entry of entries) {
        const { subject } = entry.event
        if (entry.state === 'waiting' && !earlier.has(subject) && !isBusy(subject)) return entry
        if (entry.state !== 'settled') earlier.add(subject)
      }
      return undefined
    },
    start: (seq: number): void => {
      for (const entry of entries) if (entry.seq === seq) entry.state = 'sending'
    },
    /** Lets an event that could not be sent wait again. */
    putBack: (seq: number): void => {
      for (const entry of entries) if (entry.seq === seq) entry.state = 'waiting'
    },
    settle: (seq: number): void => {
      for (const entry of entries) if (entry.seq === seq) entry.state = 'settled'
      moveUp()
    },
    /** Forgets the events that are not settled. They will be read again. */
    reset: (): void => {
      entries = []
      read = settled
    },
  }
}
export type Window = ReturnType<typeof createWindow>
