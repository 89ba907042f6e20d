import { documentedAs } from '@clientele/contracts/fields'
import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { Api } from '@clientele/platform/http/api'
import { eventStream } from '@clientele/platform/http/event-stream'
import { checkText } from '@clientele/platform/lists/filters'
import { z } from 'zod'
import { eventParameters } from '../access/event-parameters.ts'
import { parameter } from '../access/parameter.ts'
import type { EventStreams } from './event-streams.ts'

const retryMs = 2_000

const StreamParameters = z.strictObject({
  ...eventParameters,
  bulk: z
    .enum(['true', 'false'])
    .optional()
    .transform((value) => value === 'true')
    .meta({
      param: {
        description:
          'Whether each event of imports and the like is sent. By default they are only counted: once a second, `event: bulk` has how many there were by type.',
      },
    }),
  lastEventId: parameter((value) => checkText(value, 100))
    .optional()
    .meta({
      ...documentedAs({ type: 'string', maxLength: 100 }),
      param: { description: 'The same as `Last-Event-ID`, which wins, for clients that cannot set headers.' },
    }),
})

const description = [
  'Server-sent events. `data` is an event as `GET /v1/events` lists it, without `seq`, which is the `id`.',
  'A client that continues after an `id` gets every event after it once, in order.',
  '`event: resync` says that events were left out, by its `reason`: the client was too far `behind`, did not read (`slow`), or its last id is `unknown`. Read again what you show.',
  '`event: bulk` has `counts` of events of imports by type.',
  '`event: bye` is the end, by its `reason`: the `token` ends, so come back with a new one, or `shutdown`.',
  'A comment comes every 15 s when nothing else does.',
].join(' ')

const example = [
  'retry: 2000\n\n',
  'id: 48211\ndata: {"specversion":"1.0","id":"0190a5c4-6f00-7000-8000-00000000000a","type":"customer.updated.v1"}\n\n',
  ': ok\n\n',
].join('')

export type StreamRouteDeps = { streams: EventStreams; verifier: Pick<TokenVerifier, 'verify'> }

export const streamRoutes = (api: Api, { streams, verifier }: StreamRouteDeps): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/events/stream',
      operationId: 'streamEvents',
      summary: 'Follow events as they happen',
      description:
        'A stream that does not end by itself. Users get the events that they may know of: those of customers, products, orders, messages and media, of their own imports and of their own account; admins get all. A user may have 8 streams at a time.',
      tag: 'Activity',
      roles: ['user'],
      query: StreamParameters,
      stream: { description, example },
      responses: { 200: null },
    },
    async ({ query, actor, req }) => {
      if (req.res) streams.takePlace(actor.id, req.res)
      const { lastEventId, ...filters } = query
      const start = await streams.startAfter(req.get('last-event-id') ?? lastEventId, actor.id)
      const token = await verifier.verify(actor.token)
      return eventStream(req, { retryMs, open: (res) => streams.open(res, token, filters, start) })
    },
  )
}
