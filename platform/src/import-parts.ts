import { setImmediate as later } from 'node:timers/promises'

const partRows = 250

/**
 * Sends a batch in parts, none of which waits for the answer to the former: the database works on one while the next is made.
 * @param send sends its statements before it waits for anything
 * @returns what `send` gave for each part
 */
export const inParts = async <T, R>(items: readonly T[], send: (part: readonly T[]) => Promise<R>): Promise<R[]> => {
  const sent: Promise<R>[] = []
  for (let from = 0; from < items.length; from += partRows) {
    const answer = send(items.slice(from, from + partRows))
    // It may fail while the next part is made; it is waited for below.
    answer.catch(() => {})
    sent.push(answer)
    // What was written leaves at the end of the turn.
    await later()
  }
  return Promise.all(sent)
}
