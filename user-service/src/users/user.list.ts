import { arrayHas, boolean, list, text, time } from '@clientele/platform/lists/list'
import { userAttributes } from './user.model.ts'
import type { UserRow } from './user.presenter.ts'

const lower = (value: string): string => value.trim().toLowerCase()

export const userList = list<UserRow>({
  table: 'users',
  columns: userAttributes,
  sort: ['createdAt', 'username', 'email'],
  defaultSort: '-createdAt',
  filter: {
    username: text({ searched: true, normalise: lower }),
    email: text({ searched: true, normalise: lower }),
    role: arrayHas('roles'),
    enabled: boolean(),
    createdAt: time(),
  },
  search: 'search_text',
  where: 'deleted_at is null',
})
