import { arrayHas, asksFor, flag, type List, list, notBefore, text, time, userId } from '@clientele/platform/lists/list'
import { type Policy, toE164 } from './customer.input.ts'
import { type CustomerRow, customerAttributes } from './customer.model.ts'

export type CustomerList = List<CustomerRow>

const lower = (value: string): string => value.trim().toLowerCase()
const upper = (value: string): string => value.trim().toUpperCase()
// A plus sign that was not percent-encoded arrives as a space.
const e164 = (defaultCountry: string | undefined) => (value: string) =>
  toE164(value.replace(/^ (?=\d)/, '+'), defaultCountry)

/** The trash is listed only when it is asked for: by `deletedAt`, such as `deletedAt[exists]=true`. */
export const listOf = ({ defaultCountry }: Pick<Policy, 'defaultCountry'>): CustomerList =>
  list<CustomerRow>({
    table: 'customers',
    columns: customerAttributes,
    sort: ['createdAt', 'updatedAt', 'surname', 'name', { name: 'code', column: 'code_number' }],
    defaultSort: '-createdAt',
    filter: {
      name: text({ searched: true }),
      surname: text({ searched: true }),
      email: text({ searched: true, normalise: lower }),
      phone: text({ searched: true, normalise: e164(defaultCountry) }),
      code: text({ searched: true, normalise: upper }),
      externalId: text({ searched: true }),
      tag: arrayHas('tags'),
      createdBy: userId(),
      updatedBy: userId(),
      createdAt: time(),
      updatedAt: time({ after: notBefore('created_at') }),
      hasPhoto: flag('photo_media_id is not null'),
      deletedAt: time(),
    },
    search: 'search_text',
    where: (query) => (asksFor('deletedAt', query) ? 'deleted_at is not null' : 'deleted_at is null'),
  })
