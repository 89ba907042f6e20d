import { normaliseEmail } from '@clientele/contracts/email'
import { Role } from '@clientele/contracts/user'
import { arrayHas, boolean, hasOneOf, list, text, time } from '@clientele/platform/lists/list'
import { userAttributes } from './user.model.ts'
import type { UserRow } from './user.presenter.ts'

const lower = (value: string): string => value.trim().toLowerCase()

export const userList = list<UserRow>({
  table: 'users',
  columns: userAttributes,
  idType: 'text',
  sort: ['createdAt', 'username', 'email'],
  defaultSort: '-createdAt',
  filter: {
    username: text({ searched: true, sorted: true, normalise: (value) => lower(value.normalize('NFKC')) }),
    email: text({ searched: true, sorted: true, normalise: normaliseEmail }),
    role: hasOneOf(Role, arrayHas('roles')),
    enabled: boolean(),
    createdAt: time(),
  },
  search: 'search_text',
  where: 'deleted_at is null',
})
