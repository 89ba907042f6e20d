import { normaliseEmail } from '@clientele/contracts/email'
import { type Condition, markEstimated } from '@clientele/platform/lists/condition'
import { type Filter, FilterError, isComparison } from '@clientele/platform/lists/filters'
import {
  arrayHas,
  columnBefore,
  flag,
  integer,
  jsonText,
  jsonValues,
  type List,
  list,
  requiresField,
  text,
  time,
  userId,
} from '@clientele/platform/lists/list'
import { type CustomerPolicy, toE164 } from './customer.input.ts'
import { type CustomerRow, customerAttributes } from './customer.model.ts'

export type CustomerList = List<CustomerRow>

const upper = (value: string): string => value.trim().toUpperCase()
// A plus sign that was not percent-encoded arrives as a space.
const normalisePhone = (defaultCountry: string | undefined) => (value: string) =>
  toE164(value.replace(/^ (?=\d)/, '+'), defaultCountry)

const codeText = text({ searched: true, normalise: upper })
const { parse: parseNumber } = integer()
/** Codes are compared by their number, like the sort: `CUS-1000000` is greater than `CUS-999999`. */
const code: Filter = {
  ...codeText,
  operators: ['eq', 'ne', 'gt', 'gte', 'lt', 'lte', 'contains', 'startsWith', 'exists'],
  parse: (operator, value, column, search) => {
    if (!isComparison(operator)) return codeText.parse(operator, value, column, search)
    const [, digits] = /^CUS-(\d{1,18})$/.exec(upper(value)) ?? []
    if (digits === undefined) throw new FilterError('must be a code such as CUS-000123')
    return parseNumber(operator, digits, 'code_number')
  },
}

const { parse: parseUser, description: userDescription, value: userValue } = userId()
/**
 * Filters by a user who created or ever changed a customer. Ids are in the order of the creation, so the first and the last one of
 * a user limit the time in which the customers were created.
 */
const editedBy: Filter = {
  operators: ['eq'],
  description: `${userDescription}, who created or ever changed the customer`,
  value: userValue,
  parse: (operator, value) => {
    if (value === '' || value.includes(',')) throw new FilterError('must be one user')
    const isEditor = parseUser(operator, value, 'user_id')
    const condition = markEstimated(
      (bind, context) => `id in (select customer_id from customer_editors where ${isEditor(bind, context)})`,
    )
    const implies: Condition['implies'] = (bind, context, sortColumn) => {
      if (sortColumn !== 'created_at' && sortColumn !== 'updated_at') return undefined
      const createdAt = (direction: 'asc' | 'desc') => `(select created_at from customers where id =
        (select customer_id from customer_editors where ${isEditor(bind, context)} order by customer_id ${direction} limit 1))`
      const first = `${sortColumn} >= ${createdAt('asc')} - interval '1 hour'`
      return sortColumn === 'updated_at' ? first : `${first} and created_at <= ${createdAt('desc')} + interval '1 hour'`
    }
    return Object.assign(condition, { implies })
  },
}

const equals =
  (column: string, value: unknown): Condition =>
  (bind) =>
    `${column} = ${bind(value)}`

/** The conditions that find a customer by what looks like a code, an e-mail address, a telephone number or an external id. */
const lookupBy =
  (defaultCountry: string | undefined) =>
  (text: string): Condition[] => {
    if (/^cus-\d{1,18}$/i.test(text)) return [equals('code', upper(text))]
    if (/^\S+@\S+\.\S+$/.test(text)) return [equals('email', normaliseEmail(text)), equals('external_id', text)]
    const phone = /^(?:tel:)?[+(\d][\d\s().\-/]{6,39}$/i.test(text) ? toE164(text, defaultCountry) : undefined
    return [
      ...(phone === undefined ? [] : [equals('phone', phone)]),
      // A word without a digit is more likely a name than an id.
      ...(/^\S*\d\S*$/.test(text) && text.length <= 100 ? [equals('external_id', text)] : []),
    ]
  }

/** The list of customers. It contains the trash only if the query filters by `deletedAt`, such as `deletedAt[exists]=true`. */
export const createCustomerList = ({ defaultCountry }: Pick<CustomerPolicy, 'defaultCountry'>): CustomerList =>
  list<CustomerRow>({
    table: 'customers',
    columns: customerAttributes,
    sort: ['createdAt', 'updatedAt', 'surname', 'name', { name: 'code', column: 'code_number' }],
    defaultSort: '-createdAt',
    filter: {
      name: text({ searched: true, sorted: true }),
      surname: text({ searched: true, sorted: true }),
      email: text({ searched: true, normalise: normaliseEmail }),
      phone: text({ searched: true, normalise: normalisePhone(defaultCountry) }),
      code,
      externalId: text({ searched: true }),
      tag: arrayHas('tags'),
      createdBy: userId(),
      updatedBy: userId(),
      editedBy,
      createdAt: time(),
      updatedAt: time({ upperBoundImplies: columnBefore('created_at') }),
      hasPhoto: flag('photo_media_id is not null'),
      deletedAt: time(),
      'address.city': jsonText('address', 'city'),
      'address.region': jsonText('address', 'region'),
      'address.postalCode': jsonText('address', 'postalCode'),
      'address.country': jsonText('address', 'country', { normalise: upper }),
    },
    keyed: { metadata: jsonValues() },
    search: { padded: `(' ' || search_text || ' ')` },
    searchesTelephones: true,
    similarNames: ['name', 'surname'],
    lookup: lookupBy(defaultCountry),
    where: (query) => (requiresField('deletedAt', query) ? 'deleted_at is not null' : 'deleted_at is null'),
  })
