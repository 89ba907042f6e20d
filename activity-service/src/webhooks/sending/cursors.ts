import type { ProgressStore } from './progress.store.ts'
import { type Cursor, createWindow, type Item, type Window } from './window.ts'

/** `live`: what is new. `replay`: what is sent once more. */
export type CursorName = 'live' | 'replay'

type Replay = { window: Window; until: Cursor; types: string[] }
type Deps = { store: ProgressStore; webhookId: string; start: Cursor }

const maxWindow = 200
/** The events of a cursor are read when fewer than these wait. */
export const readWhenFewer = 20

/** Whether a cursor is further than another one. */
export const isLater = (a: Cursor, b: Cursor): boolean => a.position > b.position

/** The cursors of a webhook: that of what is new and, while there is a replay, that of the replay. */
export const createCursors = ({ store, webhookId, start }: Deps) => {
  const live = createWindow(start)
  let replay: Replay | undefined

  const windowOf = (name: CursorName): Window | undefined => (name === 'live' ? live : replay?.window)

  const fill = async (window: Window, until: Cursor, types: readonly string[]): Promise<void> => {
    if (window.waiting() >= readWhenFewer || window.size() >= maxWindow || !isLater(until, window.read())) return
    const { items, to } = await store.readPage(window.read(), until, types)
    window.add(items, to)
  }

  const openReplay = async (): Promise<Replay | undefined> => {
    const row = await store.readReplay(webhookId)
    if (!row) return undefined
    const { until, types, ...from } = row
    // What is recorded later has a later time.
    return { window: createWindow(from), until: { position: until, positionAt: from.positionAt }, types }
  }

  return {
    /** Reads on where few events wait. `head` is the newest event, and `types` are those of the webhook. */
    fill: async (
      head: Cursor,
      { types, hasReplay }: { types: readonly string[]; hasReplay: boolean },
    ): Promise<void> => {
      await fill(live, head, types)
      if (hasReplay) replay ??= await openReplay()
      if (replay) await fill(replay.window, replay.until, replay.types)
    },
    /** Whether everything up to a cursor was read. */
    hasReadTo: (cursor: Cursor): boolean => !isLater(cursor, live.read()),
    /** Moves on over events that the webhook does not get. */
    skipTo: (cursor: Cursor): void => live.add([], cursor),
    next: (name: CursorName, ordered: boolean, isBusy: (subject: string) => boolean): Item | undefined =>
      windowOf(name)?.next(ordered, isBusy),
    start: (name: CursorName, { seq }: Item): void => windowOf(name)?.start(seq),
    settle: (name: CursorName, { seq }: Item): void => windowOf(name)?.settle(seq),
    putBack: (name: CursorName, { seq }: Item): void => windowOf(name)?.putBack(seq),
    /** Forgets the events that are not settled. They will be read again. */
    reset: (): void => {
      live.reset()
      replay?.window.reset()
    },
    /** How far the cursors are, and whether the replay is done. */
    settled: () => {
      if (!replay) return { live: live.settled(), replay: undefined }
      const isDone = replay.window.size() === 0 && !isLater(replay.until, replay.window.read())
      return { live: live.settled(), replay: { ...replay.window.settled(), isDone } }
    },
    endReplay: (): void => {
      replay = undefined
    },
  }
}
