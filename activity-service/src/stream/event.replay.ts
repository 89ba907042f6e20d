import type { EventTail } from './event.tail.ts'
import type { EventReader, RecordedEvent } from './recorded-event.ts'

const blockSize = 500
/** After an interruption many clients come back at once, from about the same place. */
const keepMs = 2_000
const maxBlocks = 24

type Block = { events: Promise<RecordedEvent[]>; purges: number }

/** Reads past events for clients that come back. Blocks of the table are shared between clients that read them at the same time. */
export const createEventReplay = ({ reader, tail }: { reader: EventReader; tail: EventTail }) => {
  const blocks = new Map<number, Block>()

  const forget = (start: number, block: Block): void => {
    if (blocks.get(start) === block) blocks.delete(start)
  }

  /** The events after `start`, a multiple of the block's size. */
  const sharedBlock = (start: number): Promise<RecordedEvent[]> => {
    const known = blocks.get(start)
    if (known && known.purges === tail.purges()) return known.events
    const oldest = blocks.size >= maxBlocks ? blocks.entries().next().value : undefined
    if (oldest) forget(...oldest)
    const block = { events: reader.between(start, start + blockSize), purges: tail.purges() }
    blocks.delete(start)
    blocks.set(start, block)
    const forgetLater = () => void setTimeout(() => forget(start, block), keepMs).unref()
    block.events.then(forgetLater, () => forget(start, block))
    return block.events
  }

  const read = (seq: number, start: number, last: number): Promise<RecordedEvent[]> =>
    last === start + blockSize ? sharedBlock(start) : reader.between(seq, last)

  return {
    /** Some events after `seq`, and the number until which these are all. */
    after: async (seq: number, newest: number): Promise<{ events: readonly RecordedEvent[]; last: number }> => {
      const start = Math.floor(seq / blockSize) * blockSize
      const last = Math.min(start + blockSize, newest)
      const purges = tail.purges()
      let events = await read(seq, start, last)
      // A purge may have been recorded meanwhile.
      if (purges !== tail.purges()) events = await read(seq, start, last)
      return { events: events.filter((event) => event.seq > seq), last }
    },
  }
}
export type EventReplay = ReturnType<typeof createEventReplay>
