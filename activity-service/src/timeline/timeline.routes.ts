import { RecordedEvent } from '@clientele/contracts/activity'
import { uuid } from '@clientele/contracts/fields'
import { page } from '@clientele/contracts/page'
import { type Api, ok } from '@clientele/platform/http/api'
import { z } from 'zod'
import { audienceOf } from '../access/visible-events.ts'
import { type Timeline, timelineList } from './timeline.list.ts'

export type TimelineRouteDeps = { timeline: Timeline }

export const timelineRoutes = (api: Api, { timeline }: TimelineRouteDeps): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/customers/{id}/timeline',
      operationId: 'getCustomerTimeline',
      summary: 'List what happened to a customer, newest first',
      description:
        'The events of the customer, of its orders and of the messages to it, also while the customer is in the trash. Events from before this service recorded them are not there, so the timeline of an existing customer can be empty; its stamps tell its beginning.',
      tag: 'Activity',
      roles: ['user'],
      params: z.strictObject({ id: uuid }),
      query: timelineList.query,
      responses: { 200: page(RecordedEvent) },
    },
    async ({ params: { id }, query, actor }) => ok(await timeline.of(id, query, audienceOf(actor))),
  )
}
