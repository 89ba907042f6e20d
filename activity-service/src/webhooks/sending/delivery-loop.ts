import type { WebhookPausedReason } from '@clientele/contracts/webhook'
import type { Log } from '@clientele/platform/runtime/log'
import { sleep } from '@clientele/platform/runtime/timeout'
import { createWakeSignal } from '@clientele/platform/runtime/wake-signal'
import { matchesType } from '../../access/type-pattern.ts'
import { maxRetries, requestsPerWebhook, type WebhookTiming } from '../timing.ts'
import type { WebhookRow } from '../webhook.model.ts'
import { type CursorName, createCursors, isLater, readWhenFewer } from './cursors.ts'
import type { Delivery } from './delivery.ts'
import { createHealth } from './health.ts'
import { createOutcomes } from './outcomes.ts'
import type { ProgressStore } from './progress.store.ts'
import { createWaiting } from './waiting.ts'
import type { Cursor, Item } from './window.ts'

type Deps = {
  store: ProgressStore
  /** Sends one event; undefined if the process stops. */
  deliver: Delivery
  timing: WebhookTiming
  log: Log
  leasedBy: string
  /** Whether the lease lasts longer than a request. */
  isLeased(): boolean
  pause(webhookId: string, reason: WebhookPausedReason): Promise<void>
}

/** The settings of a webhook, and whether it has events that are due for a retry, and a replay. */
export type LoopSettings = WebhookRow & { hasDue: boolean; hasReplay: boolean }

type Source = 'due' | CursorName

const retryDelayMs = 1_000
const idleMs = 1_000
const maxUnwritten = 200
const writeWhenMore = 50
const writeCursorMs = 30_000

/** Sends the events of one webhook: reads on from its cursor, retries what has failed, and writes down how far it got. */
export const createDeliveryLoop = (initial: LoopSettings, deps: Deps, initialHead: Cursor) => {
  const { store, deliver, timing, log, leasedBy } = deps
  const webhookId = initial.id
  const wake = createWakeSignal()
  const abort = new AbortController()
  const waiting = createWaiting()
  const health = createHealth(initial, timing)
  const outcomes = createOutcomes({ webhookId, leasedBy, store, health, waiting })
  const cursors = createCursors({
    store,
    webhookId,
    start: { position: initial.position, positionAt: initial.positionAt },
  })
  let settings = initial
  let head = initialHead
  let due: Item[] = []
  let wantsDue = true
  let wantsRetry = false
  let pauseReason: WebhookPausedReason | undefined
  let isEnding = false
  let isLost = false
  let written = cursors.settled().live
  let writtenAt = performance.now()
  let lastStart = 0
  let turn = 0
  const sending = new Set<Item>()

  const isBusy = (subject: string): boolean => [...sending].some(({ event }) => event.subject === subject)
  const triesOldestOnly = (): boolean => health.isFailing() && waiting.size() > 0
  /** With too many events that wait, the cursors wait too. */
  const isHeld = (): boolean => triesOldestOnly() || waiting.size() >= maxRetries

  const readDue = async (): Promise<void> => {
    if (due.length > 0 || !(wantsDue || settings.hasDue)) return
    wantsDue = false
    settings = { ...settings, hasDue: false }
    const kind = triesOldestOnly() ? 'oldest' : settings.ordered ? 'ordered' : 'any'
    const held = [...outcomes.unwritten(), ...[...sending].map(({ seq }) => seq)]
    const { items, missing } = await store.readDue(webhookId, kind, held, readWhenFewer)
    if (missing.length > 0) outcomes.drop(missing)
    for (const { seq, event } of items) waiting.add(seq, event.subject)
    due = items
    if (items.length > 0) wantsDue = true
  }

  const read = async (): Promise<void> => {
    await readDue()
    if (isHeld()) return
    await cursors.fill(head, { types: settings.events, hasReplay: settings.hasReplay })
  }

  const nextOf = (source: Source): Item | undefined => {
    if (source === 'due') return due.find(({ event }) => !settings.ordered || !isBusy(event.subject))
    if (isHeld()) return undefined
    return cursors.next(source, settings.ordered, isBusy)
  }

  const attempt = async (source: Source, item: Item): Promise<void> => {
    const outcome = await deliver(settings, () => store.readCurrent(item), abort.signal).catch(async (error) => {
      log.warn({ err: error, webhookId }, 'an event could not be read')
      await sleep(retryDelayMs, abort.signal)
    })
    // Nothing is awaited between this and the record, or the event could be read again in between.
    sending.delete(item)
    wake.notify()
    if (!outcome) {
      if (source !== 'due') cursors.putBack(source, item)
      return
    }
    if (outcome.responseStatus === 410) pauseReason = 'gone'
    if (outcomes.record(item, outcome)) wantsRetry = true
    if (source !== 'due') cursors.settle(source, item)
  }

  /** Takes the next event of a source. @returns whether there was one */
  const take = (source: Source): boolean => {
    const item = nextOf(source)
    if (!item) return false
    if (source === 'due') due = due.filter((each) => each !== item)
    else if (settings.ordered && waiting.hasSubject(item.event.subject)) {
      outcomes.defer(item)
      cursors.settle(source, item)
      return true
    } else cursors.start(source, item)
    sending.add(item)
    lastStart = performance.now()
    health.countRequest()
    void attempt(source, item)
    return true
  }

  const mayStart = (): boolean => {
    if (isEnding || pauseReason || !deps.isLeased()) return false
    if (outcomes.pending().count >= maxUnwritten) return false
    if (performance.now() - lastStart < health.gapMs()) return false
    return sending.size < (triesOldestOnly() ? 1 : requestsPerWebhook)
  }

  const sources: Source[] = ['due', 'live', 'replay']
  const startAll = (): void => {
    let without = 0
    while (without < sources.length && mayStart()) {
      const source = sources[turn % sources.length] ?? 'live'
      turn += 1
      without = take(source) ? 0 : without + 1
    }
  }

  /** What has to wait is read again afterwards. */
  const forgetRest = (): void => {
    if (!isHeld() || sending.size > 0) return
    cursors.reset()
    if (triesOldestOnly()) due = []
  }

  const write = async (force: boolean): Promise<void> => {
    const { count, ageMs } = outcomes.pending()
    const settled = cursors.settled()
    const isReplayDone = settled.replay?.isDone === true
    const hasMoved = isLater(settled.live, written) && performance.now() - writtenAt > writeCursorMs
    const isDue = count > 0 && (ageMs >= timing.flushMs || count >= writeWhenMore)
    if (!(isDue || hasMoved || isReplayDone || force)) return
    if (!(await outcomes.write(settled))) isLost = true
    if (isReplayDone) cursors.endReplay()
    // The next event of a subject may be due now.
    if (count > 0 && waiting.size() > 0) wantsDue = true
    written = settled.live
    writtenAt = performance.now()
  }

  const waitMs = (): number => {
    const { count, ageMs } = outcomes.pending()
    const untilWrite = count > 0 ? Math.max(1, timing.flushMs - ageMs) : idleMs
    const gap = health.gapMs()
    return gap > 0 && sending.size < requestsPerWebhook ? Math.min(untilWrite, gap) : untilWrite
  }

  /** After a success, and with a new address, all events that wait are sent. */
  const retryAll = async (): Promise<void> => {
    await write(true)
    await store.retryNow(webhookId)
    wantsRetry = false
    wantsDue = true
  }

  const step = async (): Promise<void> => {
    if (wantsRetry) await retryAll()
    await read()
    startAll()
    forgetRest()
    await write(false)
    if (health.isHopeless()) pauseReason ??= 'failing'
    if (pauseReason) isEnding = true
  }

  const load = async (): Promise<void> => {
    for (const { seq, subject } of await store.readWaiting(webhookId)) waiting.add(seq, subject)
  }

  const end = async (): Promise<void> => {
    while (sending.size > 0) {
      await wake.wait(idleMs)
      wake.consume()
    }
    if (isLost) return
    await write(true)
    if (pauseReason && !isLost) await deps.pause(webhookId, pauseReason)
  }

  const run = async (): Promise<void> => {
    await load()
    while (!isEnding && !isLost) {
      wake.consume()
      await step().catch(async (error: unknown) => {
        log.warn({ err: error, webhookId }, 'the progress of a webhook could not be read or written')
        await sleep(retryDelayMs, abort.signal)
      })
      if (!isEnding && !isLost) await wake.wait(waitMs())
    }
    await end()
  }

  return {
    /** Resolves when the loop has ended. */
    done: run().catch((error: unknown) => log.warn({ err: error, webhookId }, 'a webhook is left to another replica')),
    update: (next: LoopSettings): void => {
      if (next.url !== settings.url) {
        health.reset()
        wantsRetry = true
      }
      settings = next
      wake.notify()
    },
    /** Tells the loop that events of these types were recorded after `from` and up to `to`. */
    recorded: (types: readonly string[], from: Cursor, to: Cursor): void => {
      const isCaughtUp = cursors.hasReadTo(from)
      head = to
      if (types.some((type) => matchesType(settings.events, type))) wake.notify()
      else if (isCaughtUp) cursors.skipTo(to)
    },
    /** Sends nothing more, and writes what has been sent. */
    stop: (): void => {
      isEnding = true
      wake.notify()
    },
    /** Ends the running requests. Their events are sent again later. */
    abort: (): void => abort.abort(),
  }
}
export type DeliveryLoop = ReturnType<typeof createDeliveryLoop>
