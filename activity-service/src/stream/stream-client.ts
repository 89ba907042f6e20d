import type { ServerResponse } from 'node:http'
import type { VerifiedToken } from '@clientele/platform/auth/token-verifier'
import { eventFrame } from '@clientele/platform/http/event-stream'
import { counter } from '@clientele/platform/runtime/telemetry'
import type { EventReplay } from './event.replay.ts'
import type { EventTail } from './event.tail.ts'
import type { RecordedEvent } from './recorded-event.ts'
import { type Portion, type Selection, slicesOf } from './selection.ts'
import { createStreamWriter } from './stream-writer.ts'

/** Why a stream continues with the newest event instead of the next one. */
export type ResyncReason = 'behind' | 'unknown' | 'slow'
/** Why a stream ends: its client should come back with a new token, or to another replica. */
export type EndReason = 'token' | 'shutdown'
/** Where a stream begins: with what came after `seq`, or with a resync. By default with what comes next. */
export type Start = { seq?: number; resync?: ResyncReason }

export type StreamLimits = {
  /** How many events, and how many bytes, wait for a client that does not read. */
  maxWaitingEvents: number
  maxWaitingBytes: number
  /** A client that reads nothing for this long is cut. */
  stallMs: number
  /** The interval of `: ok` while nothing else is sent. */
  pingMs: number
  /** How long before its expiry a token ends the stream. */
  expiryMarginMs: number
  /** A client that is further behind gets a resync. */
  maxBehind: number
}

type Options = {
  res: ServerResponse
  token: VerifiedToken
  selection: Selection
  tail: EventTail
  replay: EventReplay
  limits: StreamLimits
  /** Called with the number of past events that were read for this client. */
  onReplayed(count: number): void
}

/** A filter may leave out this many events before the client is told a newer id, so that it does not fall behind. */
const maxUntoldIds = 1_000

export const resyncCounter = () =>
  counter('event_stream_resyncs_total', 'Streams that went on with the newest event', ['reason'])

/**
 * One stream. `replaying`: it reads past events from the table, as fast as the client reads. `live`: it gets what the tail reads.
 * `behind`: the client does not read, and gets a resync once it has read what waits for it.
 */
export const createStreamClient = ({ res, token, selection, tail, replay, limits, onReplayed }: Options) => {
  const resyncs = resyncCounter()
  let state: 'replaying' | 'live' | 'behind' = 'live'
  /** The client has been told of all events until this one, or need not be. */
  let seq = tail.seq() ?? 0
  let toldSeq = seq
  const counts = new Map<string, number>()

  const tell = ({ frame, count, counts: others }: Portion, last: number): void => {
    seq = last
    if (frame) {
      writer.write(frame, count)
      toldSeq = last
    }
    for (const [type, number] of others) counts.set(type, (counts.get(type) ?? 0) + number)
  }

  const resync = (reason: ResyncReason): void => {
    resyncs.inc({ reason })
    counts.clear()
    state = 'live'
    seq = tail.seq() ?? seq
    toldSeq = seq
    writer.write(eventFrame({ id: seq, event: 'resync', data: JSON.stringify({ reason }) }))
  }

  const writer = createStreamWriter(res, limits, () => {
    if (state === 'behind') resync('slow')
  })

  /** Writes past events, each part when the client has read the one before it. */
  const tellPast = async (events: readonly RecordedEvent[]): Promise<void> => {
    for (const slice of slicesOf(events)) {
      if (writer.hasEnded()) return
      tell(selection.portionOf(slice), slice.at(-1)?.seq ?? seq)
      await writer.drained()
    }
  }

  /** Becomes live if what is left fits into one part: in the same turn, so that nothing comes between. */
  const goLive = (recent: readonly RecordedEvent[]): boolean => {
    if (slicesOf(recent).length > 1) return false
    const last = recent.at(-1)
    if (last) tell(selection.portionOf(recent), last.seq)
    state = 'live'
    return true
  }

  const readPast = async (newest: number): Promise<void> => {
    const { events, last } = await replay.after(seq, newest)
    onReplayed(events.length)
    await tellPast(events)
    seq = last
  }

  const catchUp = async (): Promise<void> => {
    while (!writer.hasEnded()) {
      const newest = tail.seq() ?? 0
      const recent = tail.recentAfter(seq)
      if (recent && goLive(recent)) return
      if (newest - seq > limits.maxBehind) return resync('behind')
      await (recent ? tellPast(recent) : readPast(newest))
    }
  }

  const end = (reason: EndReason): void => writer.end(eventFrame({ event: 'bye', data: JSON.stringify({ reason }) }))

  const tellCounts = (): void => {
    if (counts.size === 0 || state === 'behind') return
    writer.write(eventFrame({ id: seq, event: 'bulk', data: JSON.stringify({ counts: Object.fromEntries(counts) }) }))
    counts.clear()
    toldSeq = seq
  }

  const ping = (): void => {
    const isUntold = seq - toldSeq >= maxUntoldIds
    writer.write(isUntold ? `: ok\n${eventFrame({ id: seq })}` : ': ok\n\n')
    if (isUntold) toldSeq = seq
  }

  const expiresSoon = (): boolean => token.expiresAt * 1_000 - Date.now() <= limits.expiryMarginMs

  return {
    selection,
    token,
    end,
    start: ({ seq: after, resync: reason }: Start): void => {
      if (reason !== undefined) resync(reason)
      else if (after !== undefined) {
        state = 'replaying'
        seq = after
        toldSeq = after
        // Without the database the client has to come back.
        catchUp().catch(writer.cut)
      }
    },
    /** Takes events that the tail has read. `portion` is the client's part of all of them. */
    offer: (events: readonly RecordedEvent[], portion: Portion): void => {
      const last = events.at(-1)?.seq ?? 0
      if (state !== 'live' || last <= seq) return
      // The client may know more than this replica does.
      const isNew = (events[0]?.seq ?? 0) > seq
      const own = isNew ? portion : selection.portionOf(events.filter((event) => event.seq > seq))
      if (own.frame === undefined || writer.hasRoomFor(own.frame, own.count)) tell(own, last)
      else state = 'behind'
    },
    /** To be called every second. */
    tick: (isRevoked: boolean): void => {
      if (isRevoked || expiresSoon()) end('token')
      writer.cutIfStalled()
      if (writer.hasEnded()) return
      tellCounts()
      if (writer.quietMs() >= limits.pingMs) ping()
    },
  }
}
export type StreamClient = ReturnType<typeof createStreamClient>
