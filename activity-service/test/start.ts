import { publishersOf } from '@clientele/contracts/broker-accounts'
import { newId } from '@clientele/platform/data/db'
import type { Envelope } from '@clientele/platform/events/envelope'
import type { TestBroker } from '@clientele/platform/testing/broker'
import { type RunningService, startTestService } from '@clientele/platform/testing/running-service'
import { eventually } from '@clientele/platform/testing/wait'
import { createApp } from '../src/app.ts'
import type { ActivityConfig } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'
import type { WebhookOverrides } from '../src/webhooks/webhooks.ts'

export type RunningActivity = RunningService<ActivityConfig>

/** The settings that only this service has. Webhooks may reach receivers on this machine. */
export const ownSettings = {
  activityKeepPassingMonths: 13,
  maxStreams: 5_000,
  streamsPerUser: 8,
  webhookSecretKeys: ['a key of the tests that encrypts secrets'],
  webhookAllowHttp: true,
  webhookAllowNetworks: ['127.0.0.0/8', '::1/128'],
}

/** Starts activity-service. `shared` is a virtual host that the caller closes. */
export const startActivity = (
  overrides: Partial<ActivityConfig> = {},
  shared?: TestBroker,
  webhookOverrides?: WebhookOverrides,
): Promise<RunningActivity> =>
  startTestService<ActivityConfig>(
    {
      name: 'activity-service',
      schema: 'activity',
      migrations,
      config: ownSettings,
      createApp: (parts) => createApp({ ...parts, ...(webhookOverrides && { webhookOverrides }) }),
    },
    overrides,
    shared,
  )

const actor = { id: '0190a5c4-6f00-7000-8000-00000000a001', displayName: 'Ana' }

/** An event of any type, as its service publishes it. `at` is its time in milliseconds. */
export const anEvent = (
  type: string,
  data: Record<string, unknown> = {},
  { subject = newId(), at = Date.now(), id = newId() } = {},
): Envelope & { data: Record<string, unknown> } =>
  ({
    specversion: '1.0',
    id,
    source: `/${publishersOf(type)[0] ?? 'elsewhere'}`,
    type,
    subject,
    time: new Date(at).toISOString(),
    datacontenttype: 'application/json',
    data: { id: subject, version: 1, actor, ...data },
  }) as Envelope & { data: Record<string, unknown> }

/** A row of `events` as tests look at it. */
export type RecordedRow = {
  seq: number
  class: string
  eventId: string
  type: string
  subject: string
  version: number | null
  bulk: boolean
  about: string | null
  body: string | null
  hash: Buffer
}

/** All recorded events in their order. */
export const recorded = ({ db }: Pick<RunningActivity, 'db'>): Promise<RecordedRow[]> =>
  db.query<RecordedRow>(
    `select seq, class, event_id as "eventId", type, subject, version, bulk, about, body, hash from events order by seq`,
  )

/** Waits until that many events are recorded. */
export const untilRecorded = (service: Pick<RunningActivity, 'db'>, count: number): Promise<RecordedRow[]> =>
  eventually(
    async () => {
      const rows = await recorded(service)
      expect(rows).toHaveLength(count)
      return rows
    },
    { timeoutMs: 30_000 },
  )

/** Waits until these events are recorded. */
export const untilStored = ({ db }: Pick<RunningActivity, 'db'>, events: readonly { id: string }[]): Promise<void> =>
  eventually(
    async () => {
      const sql = 'select from events where event_id = any($1::uuid[])'
      expect(await db.query(sql, [events.map(({ id }) => id)])).toHaveLength(events.length)
    },
    { timeoutMs: 30_000 },
  )
