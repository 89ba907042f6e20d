import { AuditedEvent, ChainCheck, ChainHeads, maxChecked, RecordedEvent } from '@clientele/contracts/activity'
import { documentedAs, pathKey } from '@clientele/contracts/fields'
import { page } from '@clientele/contracts/page'
import { type Api, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { auditQuery } from './audit.list.ts'
import type { Audit } from './audit.service.ts'

export type AuditRouteDeps = { audit: Audit }

const shared = { method: 'get', tag: 'Activity', roles: ['admin'] } as const

const seq = z
  .string()
  .regex(/^[1-9]\d{0,14}$/, 'must be a whole number from 1')
  .transform(Number)
  .meta(documentedAs({ type: 'integer', minimum: 1 }))

export const auditRoutes = (api: Api, { audit }: AuditRouteDeps): void => {
  api.operation(
    {
      ...shared,
      path: '/v1/audit',
      operationId: 'listAudit',
      summary: 'List all events, newest first',
      description:
        'The order is that in which events were recorded or, with `at`, in which they happened. Changes that an actor made are found by `actor`, those of a record by `subject`.',
      query: auditQuery,
      responses: { 200: page(RecordedEvent) },
    },
    async ({ query, actor }) => ok(await audit.list(query, actor)),
  )

  api.operation(
    {
      ...shared,
      path: '/v1/audit/head',
      operationId: 'getAuditHead',
      summary: 'Get the ends of the chains of hashes',
      description:
        'Each event has a hash that covers it and the hash of the event before it in its chain. Keep these ends elsewhere: a later chain that does not contain them was changed.',
      responses: { 200: ChainHeads },
    },
    async () => ok(await audit.heads()),
  )

  api.operation(
    {
      ...shared,
      path: '/v1/audit/verify',
      operationId: 'verifyAudit',
      summary: 'Check that no event was changed',
      description: `Checks the chains of hashes from the event \`from\` to the event \`to\`, at most ${maxChecked.toLocaleString('en')} events. By default it checks the newest ones. All events are checked every night.`,
      query: z.strictObject({
        from: seq.optional().meta({ description: 'The number of the first event.' }),
        to: seq.optional().meta({ description: 'The number of the last event. Default: the newest.' }),
      }),
      responses: { 200: ChainCheck },
    },
    async ({ query }) => ok(await audit.verify(query)),
  )

  api.operation(
    {
      ...shared,
      path: '/v1/audit/{seq}',
      operationId: 'getAuditEvent',
      summary: 'Get an event with all its data',
      params: z.strictObject({
        seq: pathKey.meta({
          ...documentedAs({ type: 'integer', minimum: 1 }),
          param: { description: 'The number of the event.' },
        }),
      }),
      responses: { 200: AuditedEvent },
    },
    async ({ params }) => ok(await audit.get(params.seq)),
  )
}
