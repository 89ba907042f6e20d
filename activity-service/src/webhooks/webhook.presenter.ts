import type { Webhook, WebhookEventData } from '@clientele/contracts/webhook'
import { presentStamps } from '@clientele/platform/data/stamps'
import { failuresUntilFailing } from './timing.ts'
import type { WebhookRow } from './webhook.model.ts'

/** What is known about a webhook besides its row. */
export type WebhookDetails = {
  behind: number
  replay: { position: number; until: number; requestedAt: Date } | null
}

const presentSettings = (row: WebhookRow) => ({
  id: row.id,
  events: row.events,
  description: row.description,
  active: row.pausedReason === null,
  ordered: row.ordered,
  payload: row.payload,
  pausedReason: row.pausedReason,
  ...presentStamps(row),
})

export const presentEventData = (row: WebhookRow): WebhookEventData => ({
  ...presentSettings(row),
  origin: new URL(row.url).origin,
})

/** Whether a webhook works. */
export const stateOf = ({ pausedReason, failures }: WebhookRow): Webhook['state'] => {
  if (pausedReason !== null) return 'paused'
  return failures >= failuresUntilFailing ? 'failing' : 'active'
}

export const presentWebhook = (row: WebhookRow, { behind, replay }: WebhookDetails): Webhook => ({
  ...presentSettings(row),
  url: row.url,
  state: stateOf(row),
  position: row.position,
  behind,
  lastSuccessAt: row.lastSuccessAt?.toISOString() ?? null,
  failingSince: row.failingSince?.toISOString() ?? null,
  replay: replay && { ...replay, requestedAt: replay.requestedAt.toISOString() },
})
