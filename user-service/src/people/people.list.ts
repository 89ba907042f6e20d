import type { Person } from '@clientele/contracts/user'
import { boolean, list } from '@clientele/platform/lists/list'
import { inTextOrder } from '@clientele/platform/lists/text-order'

/** The users with a role, as all of them may see each other. `q` must find nothing that the rows do not show. */
export const peopleList = list<Person>({
  table: 'users',
  columns: ['id', 'displayName', 'enabled'],
  idType: 'text',
  sort: [{ name: 'displayName', column: inTextOrder('display_name') }],
  defaultSort: 'displayName',
  filter: { enabled: boolean() },
  search: 'lower(display_name collate "und-x-icu")',
  normaliseSearch: (value) => value.toLowerCase(),
  where: `deleted_at is null and roles <> '{}'`,
})
