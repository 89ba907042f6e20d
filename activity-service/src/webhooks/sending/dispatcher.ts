import type { WebhookPausedReason } from '@clientele/contracts/webhook'
import { type Db, newId } from '@clientele/platform/data/db'
import { selectList } from '@clientele/platform/data/select-list'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import { sleep, withTimeout } from '@clientele/platform/runtime/timeout'
import { createWakeSignal } from '@clientele/platform/runtime/wake-signal'
import { readNewest } from '../../events/positions.ts'
import type { WebhookTiming } from '../timing.ts'
import type { Webhooks } from '../webhook.model.ts'
import type { Delivery } from './delivery.ts'
import { createDeliveryLoop, type DeliveryLoop, type LoopSettings } from './delivery-loop.ts'
import { createLeases } from './leases.ts'
import type { ProgressStore } from './progress.store.ts'
import type { Cursor } from './window.ts'

type Deps = {
  db: Db
  webhooks: Webhooks
  store: ProgressStore
  deliver: Delivery
  timing: WebhookTiming
  log: Log
  pause(webhookId: string, reason: WebhookPausedReason): Promise<void>
}

const retryDelayMs = 1_000
/** What is recorded within this time is looked for together. */
const gatherMs = 20

const selectWebhooks = (webhooks: Webhooks) => `select ${selectList(webhooks)}, leased_until > now() as "isLeased",
  exists (select from webhook_retries as retry where retry.webhook_id = webhooks.id and retry.next_at <= now()) as "hasDue",
  exists (select from webhook_replays as replay where replay.webhook_id = webhooks.id) as "hasReplay"
from webhooks where paused_reason is null order by id`

const selectTypes = 'select distinct type from events where seq > $1 and seq <= $2 and recorded_at >= $3'

/** Sends events to the webhooks that this replica has leased. */
export const createDispatcher = ({ db, webhooks, store, deliver, timing, log, pause }: Deps) => {
  const wake = createWakeSignal()
  const id = newId()
  const leases = createLeases({ db, webhooks, id, timing })
  const selectAll = selectWebhooks(webhooks)
  const loops = new Map<string, DeliveryLoop>()
  let head: Cursor | undefined
  let wantsTick = true
  let tickedAt = 0
  let stopController = new AbortController()
  let running: Promise<void> | undefined

  const open = (settings: LoopSettings, from: Cursor): void => {
    const { id: webhookId } = settings
    const isLeased = () => leases.isSafe()
    const loop = createDeliveryLoop(settings, { store, deliver, timing, log, leasedBy: id, isLeased, pause }, from)
    loops.set(webhookId, loop)
    void loop.done
      .then(() => leases.release(webhookId))
      .catch((error: unknown) => log.warn({ err: error, webhookId }, 'the lease of a webhook could not be returned'))
      .finally(() => loops.delete(webhookId))
  }

  const tick = async (from: Cursor): Promise<void> => {
    wantsTick = false
    tickedAt = performance.now()
    await leases.renew()
    const rows = await db.query<LoopSettings & { isLeased: boolean | null }>(selectAll, [], { name: 'webhooks_all' })
    const own = new Map(rows.filter((row) => row.leasedBy === id).map((row) => [row.id, row]))
    for (const [webhookId, loop] of loops) {
      const row = own.get(webhookId)
      if (row) loop.update(row)
      else loop.stop()
    }
    const share = leases.shareOf(rows.length)
    // Others may still be ending.
    const working = [...loops].filter(([webhookId]) => own.has(webhookId))
    for (const [, loop] of working.slice(share)) loop.stop()
    const free = rows.filter((row) => (row.isLeased !== true || row.leasedBy === id) && !loops.has(row.id))
    const ids = free.map((row) => row.id)
    for (const row of await leases.claim(ids, share - working.length))
      open({ hasDue: true, hasReplay: true, ...row }, from)
  }

  const readHead = async (): Promise<Cursor> => {
    const { seq, recordedAt } = await readNewest(db)
    return { position: seq, positionAt: recordedAt }
  }

  /** Wakes the webhooks that get one of the events that were recorded since the last time. */
  const lookForEvents = async (): Promise<Cursor> => {
    const latest = await readHead()
    const from = head ?? latest
    if (latest.position > from.position && loops.size > 0) {
      const values = [from.position, latest.position, from.positionAt]
      const rows = await db.query<{ type: string }>(selectTypes, values, { name: 'webhook_types' })
      const types = rows.map(({ type }) => type)
      for (const loop of loops.values()) loop.recorded(types, from, latest)
    }
    head = latest
    return latest
  }

  const step = async (): Promise<void> => {
    const latest = await lookForEvents()
    if (wantsTick || performance.now() - tickedAt >= timing.tickMs) await tick(latest)
  }

  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      wake.consume()
      await step().catch(async (error: unknown) => {
        log.warn({ err: error }, 'webhooks could not be read')
        await sleep(retryDelayMs, signal)
      })
      if (!signal.aborted) await wake.wait(timing.pollMs)
      await sleep(gatherMs, signal)
    }
  }

  const endLoops = async (): Promise<void> => {
    for (const loop of loops.values()) loop.stop()
    while (loops.size > 0) {
      await Promise.all([...loops.values()].map(({ done }) => done))
      await sleep(1, AbortSignal.timeout(1_000))
    }
  }

  const task: Task = {
    name: 'webhook-dispatcher',
    start: () => {
      if (running) return
      stopController = new AbortController()
      running = run(stopController.signal)
    },
    stop: async () => {
      stopController.abort()
      wake.notify()
      await running
      running = undefined
      const ending = endLoops()
      await withTimeout(timing.graceMs, 'webhooks are still being sent', ending).catch(async () => {
        for (const loop of loops.values()) loop.abort()
        await withTimeout(timing.graceMs, 'the progress of webhooks is still being written', ending).catch((error) =>
          log.warn({ err: error }, 'stopped before the progress of webhooks was written'),
        )
      })
      await leases.leave().catch((error: unknown) => log.warn({ err: error }, 'the sender is still counted'))
    },
  }
  return {
    task,
    /** Looks for new events now. */
    notify: (): void => wake.notify(),
    /** Reads the settings of the webhooks now. */
    changed: (): void => {
      wantsTick = true
      wake.notify()
    },
  }
}
