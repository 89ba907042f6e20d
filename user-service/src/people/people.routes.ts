import { page } from '@clientele/contracts/page'
import { Person } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'
import { type Api, ok } from '@clientele/platform/http/api'
import { peopleList } from './people.list.ts'

export const peopleRoutes = (api: Api, { db }: { db: Db }): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/people',
      operationId: 'listPeople',
      summary: 'List the names of all users with a role',
      description:
        'For filters such as `createdBy`. Users who were disabled are listed too, unless `enabled=true` is given. `q` searches the display name.',
      tag: 'Users',
      roles: ['user'],
      query: peopleList.query,
      responses: { 200: page(Person) },
    },
    async ({ query, actor }) => {
      const { rows, page: info } = await peopleList.run(db, query, { actor })
      return ok({ data: rows, page: info })
    },
  )
}
