import type { ServerResponse } from 'node:http'
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { RevocationList } from '@clientele/platform/auth/revocation-list'
import type { VerifiedToken } from '@clientele/platform/auth/token-verifier'
import { createBudget } from '@clientele/platform/http/work-budget'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { Problem } from '@clientele/platform/runtime/problem'
import { counter, gauge } from '@clientele/platform/runtime/telemetry'
import { audienceOf } from '../access/visible-events.ts'
import type { ActivityConfig } from '../config.ts'
import { createEventReplay } from './event.replay.ts'
import type { EventTail } from './event.tail.ts'
import type { EventReader, RecordedEvent } from './recorded-event.ts'
import { createSelection, type Selection, type StreamQuery, slicesOf } from './selection.ts'
import { createStreamClient, resyncCounter, type Start, type StreamClient, type StreamLimits } from './stream-client.ts'

const tickMs = 1_000
/** Requests get a turn after so many clients. */
const maxOffers = 200

// The more clients there are, the more events a write to each of them has: a write costs as much as several events.
const minGapMs = 10
const gapMsPerClient = 0.1
const maxGapMs = 200

const defaultLimits: StreamLimits = {
  maxWaitingEvents: 500,
  maxWaitingBytes: 262_144,
  stallMs: 30_000,
  pingMs: 15_000,
  expiryMarginMs: 5_000,
  maxBehind: 10_000,
}

const openStreams = new Set<Set<StreamClient>>()
const registerMetrics = (): void => {
  gauge('event_streams', 'Open streams of events', [], function () {
    this.set([...openStreams].reduce((sum, { size }) => sum + size, 0))
  })
  for (const reason of ['behind', 'unknown', 'slow']) resyncCounter().inc({ reason }, 0)
}

const unavailable = (detail: string): Problem => new Problem('unavailable', { detail, headers: { 'Retry-After': '2' } })

/** A number of 15 digits is exact in JavaScript. */
const eventNumber = /^\d{1,15}$/

type Group = { selection: Selection; clients: Set<StreamClient> }

type Deps = {
  config: Pick<ActivityConfig, 'maxStreams' | 'streamsPerUser' | 'rowsPerMinute'>
  reader: EventReader
  tail: EventTail
  revocations: RevocationList
  limits?: Partial<StreamLimits> | undefined
}

/** The open streams of this process. The tail hands them what it reads, once for all clients with the same rights and filters. */
export const createEventStreams = ({ config, reader, tail, revocations, limits = {} }: Deps) => {
  const { maxStreams, streamsPerUser, rowsPerMinute } = config
  const streamLimits = { ...defaultLimits, ...limits }
  const replay = createEventReplay({ reader, tail })
  const budget = createBudget({ name: 'past events', unit: 'events', limit: rowsPerMinute, windowMs: 60_000 })
  const refused = counter('event_streams_refused_total', 'Streams that were refused by a limit', ['limit'])
  for (const limit of ['user', 'replica']) refused.inc({ limit }, 0)
  registerMetrics()
  const groups = new Map<string, Group>()
  const clients = new Set<StreamClient>()
  const byUser = new Map<string, number>()
  let places = 0
  let ticker: NodeJS.Timeout | undefined
  let isStopping = false
  openStreams.add(clients)

  /** Clients that join meanwhile already know these events. */
  const offerToAll = async (events: readonly RecordedEvent[]): Promise<void> => {
    let offers = 0
    for (const { selection, clients: members } of groups.values()) {
      const portion = selection.portionOf(events)
      for (const client of members) {
        client.offer(events, portion)
        offers += 1
        if (offers % maxOffers === 0) await nextTurn()
      }
    }
  }

  tail.listen({
    onEvents: async (events) => {
      if (clients.size === 0) return
      for (const slice of slicesOf(events)) {
        await offerToAll(slice)
        // The clients get time to read before the next part.
        await nextTurn()
      }
    },
    gapMs: () => Math.min(minGapMs + clients.size * gapMsPerClient, maxGapMs),
  })

  const join = (client: StreamClient): Group => {
    const { key } = client.selection
    const group = groups.get(key) ?? { selection: client.selection, clients: new Set() }
    groups.set(key, group)
    group.clients.add(client)
    clients.add(client)
    return group
  }

  const leave = (client: StreamClient, group: Group): void => {
    clients.delete(client)
    group.clients.delete(client)
    if (group.clients.size === 0 && groups.get(client.selection.key) === group) groups.delete(client.selection.key)
  }

  const refuse = (limit: 'user' | 'replica'): void => refused.inc({ limit })

  const task: Task = {
    name: 'event-streams',
    start: () => {
      isStopping = false
      ticker ??= setInterval(() => {
        for (const client of clients) client.tick(revocations.isRevoked(client.token))
      }, tickMs)
    },
    stop: async () => {
      isStopping = true
      clearInterval(ticker)
      ticker = undefined
      for (const client of clients) client.end('shutdown')
    },
  }

  return {
    task,
    /**
     * Takes a place for a stream of a user until its response is closed.
     * @throws Problem 429 if the user has too many streams, 503 if the process has, or cannot serve any
     */
    takePlace: (userId: string, res: ServerResponse): void => {
      if (isStopping || tail.seq() === undefined) throw unavailable('this replica serves no streams now')
      const count = byUser.get(userId) ?? 0
      if (count >= streamsPerUser) {
        refuse('user')
        throw new Problem('rate_limited', {
          detail: `limit: ${streamsPerUser} streams of events at a time for each user`,
          headers: { 'Retry-After': '5' },
        })
      }
      if (places >= maxStreams) {
        refuse('replica')
        throw unavailable('this replica has too many streams')
      }
      byUser.set(userId, count + 1)
      places += 1
      res.once('close', () => {
        places -= 1
        const left = (byUser.get(userId) ?? 1) - 1
        if (left === 0) byUser.delete(userId)
        else byUser.set(userId, left)
      })
    },
    /**
     * Finds out where a stream of a client begins that has received `lastEventId` last.
     * @throws Problem 429 if the user has read too many past events
     */
    startAfter: async (lastEventId: string | undefined, userId: string): Promise<Start> => {
      if (lastEventId === undefined) return {}
      if (!eventNumber.test(lastEventId)) return { resync: 'unknown' }
      const seq = Number(lastEventId)
      budget.assertLeft(userId)
      const { newest, hasGap } = await reader.stateSince(seq)
      if (seq > newest) return { resync: 'unknown' }
      return hasGap || newest - seq > streamLimits.maxBehind ? { resync: 'behind' } : { seq }
    },
    /** Writes events to a response until its client disconnects, its token ends or the process stops. */
    open: (res: ServerResponse, token: VerifiedToken, query: StreamQuery, start: Start): void => {
      const { actor } = token
      const selection = createSelection(audienceOf(actor), query)
      const onReplayed = (count: number): void => budget.charge(actor.id, count)
      const client = createStreamClient({ res, token, selection, tail, replay, limits: streamLimits, onReplayed })
      if (res.destroyed) return
      const group = join(client)
      const unwatch = revocations.watch(token, () => client.end('token'))
      res.once('close', () => {
        unwatch()
        leave(client, group)
      })
      client.start(start)
      if (isStopping) client.end('shutdown')
      else client.tick(revocations.isRevoked(token))
    },
  }
}
export type EventStreams = ReturnType<typeof createEventStreams>
