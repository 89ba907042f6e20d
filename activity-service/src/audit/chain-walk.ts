import type { ChainCheck } from '@clientele/contracts/activity'
import { type Chained, hashEvent } from '../events/chain.ts'
import type { EventClass } from '../events/event.kinds.ts'

/** Where a chain has been followed to. */
export type Link = { seq: number; hash: Buffer }

/** The link before the first event of a class. */
const beginning: Link = { seq: 0, hash: Buffer.alloc(0) }

/** What remains of a dropped partition. `previous` is the hash before its first event. */
export type Seal = Link & { class: EventClass; firstSeq: number; previous: Buffer }

/**
 * The end of a class: its last event. `beyond` is the number of the first event after it, which there should not be.
 */
export type Head = Link & { class: EventClass; recordedAt: Date | number; beyond: number | null }

/**
 * An event as it is checked. `body` says what there is of it: `right` and `wrong` by its hash, `removed` after a purge, and
 * `unexplained` if it was removed without one.
 */
export type CheckedEvent = Chained & {
  class: EventClass
  hash: Buffer
  state: 'right' | 'wrong' | 'removed' | 'unexplained'
}

type Fault = { seq: number; reason: NonNullable<ChainCheck['reason']> }

/** The first number of a range that is in no dropped partition. */
const firstUncovered = (from: number, to: number, seals: readonly Seal[]): number | undefined => {
  let seq = from
  for (const seal of seals.toSorted((a, b) => a.firstSeq - b.firstSeq))
    if (seal.firstSeq <= seq && seal.seq >= seq) seq = seal.seq + 1
  return seq <= to ? seq : undefined
}

/**
 * Follows the chains of both classes over events in the order of their numbers, from `from` on. `links` are the last events before
 * it. `seals` are in the order of their months, and may be replaced while partitions are dropped.
 */
export const createChainWalk = (from: number, links: Map<EventClass, Link>, seals: readonly Seal[]) => {
  let sealed = seals
  let last = from - 1
  const linkOf = (eventClass: EventClass): Link => links.get(eventClass) ?? beginning

  /** Goes on from the partitions of a class that were dropped before `end`. */
  const passSeals = (eventClass: EventClass, end: number): Fault | undefined => {
    let link = linkOf(eventClass)
    for (const seal of sealed) {
      if (seal.class !== eventClass || seal.seq <= link.seq || seal.seq >= end) continue
      // A partition that was dropped during the walk has its first event before the link.
      if (seal.firstSeq > link.seq && !seal.previous.equals(link.hash)) return { seq: seal.firstSeq, reason: 'missing' }
      link = seal
    }
    links.set(eventClass, link)
    return undefined
  }

  const faultOf = (event: CheckedEvent): Fault | undefined => {
    const { seq, state } = event
    const missing = firstUncovered(last + 1, seq - 1, sealed)
    if (missing !== undefined) return { seq: missing, reason: 'missing' }
    const inSeals = passSeals(event.class, seq)
    if (inSeals) return inSeals
    const isNext = seq > last && hashEvent(linkOf(event.class).hash, event).equals(event.hash)
    if (!isNext || state === 'wrong') return { seq, reason: 'changed' }
    return state === 'unexplained' ? { seq, reason: 'redacted' } : undefined
  }

  const faultOfHead = ({ class: eventClass, seq, hash, beyond }: Head): Fault[] => {
    if (beyond !== null) return [{ seq: beyond, reason: 'head' }]
    const inSeals = passSeals(eventClass, seq + 1)
    if (inSeals) return [inSeals]
    const link = linkOf(eventClass)
    if (link.seq === seq && link.hash.equals(hash)) return []
    return [{ seq: Math.max(1, seq), reason: 'head' }]
  }

  return {
    /** Takes one step. @returns what is wrong with it; then the same step can be tried again with other seals */
    step: (event: CheckedEvent): Fault | undefined => {
      const fault = faultOf(event)
      if (fault) return fault
      links.set(event.class, event)
      last = event.seq
      return undefined
    },
    setSeals: (next: readonly Seal[]): void => {
      sealed = next
    },
    /** Ends the walk at `to`, and compares the ends of the chains that lie before. @returns the first fault */
    end: (to: number, heads: readonly Head[]): Fault | undefined => {
      const missing = firstUncovered(last + 1, to, sealed)
      if (missing !== undefined) return { seq: missing, reason: 'missing' }
      const faults = heads.filter(({ seq }) => seq <= to).flatMap(faultOfHead)
      return faults.toSorted((a, b) => a.seq - b.seq)[0]
    },
  }
}
