import { EventFeed, FeedGone, feedDays } from '@clientele/contracts/activity'
import { type Api, ok } from '@clientele/platform/http/api'
import { audienceOf } from '../access/visible-events.ts'
import { feedQuery } from './feed.query.ts'
import type { Feed } from './feed.service.ts'

export type FeedRouteDeps = { feed: Feed }

export const feedRoutes = (api: Api, { feed }: FeedRouteDeps): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/events',
      operationId: 'listEvents',
      summary: 'Read events, oldest first',
      description: `The events of the last ${feedDays} days that the caller may know of, in the order in which they were recorded. Begin without a cursor or with \`since\`, store \`nextCursor\` with what you made of the page, and ask again with it: no event is left out or repeated. If what it continues from is not kept any more, the response is 410 \`gone\`. A page can end before \`limit\` if its events are large.`,
      tag: 'Activity',
      roles: ['user'],
      query: feedQuery,
      responses: { 200: EventFeed, 410: FeedGone },
    },
    async ({ query, actor }) => ok(await feed.read(query, audienceOf(actor))),
  )
}
