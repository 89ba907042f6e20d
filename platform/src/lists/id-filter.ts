import { markIdCondition } from './condition.ts'
import {
  checkText,
  equalityCondition,
  existsCondition,
  type Filter,
  FilterError,
  maxValues,
  scalarFilter,
  splitValues,
} from './filters.ts'

/** The longest id of a user, or of another row with an id that is no UUID. */
const maxIdLength = 100
/** A UUID of any version, as PostgreSQL accepts it. */
const uuidPattern = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** A filter on a UUID column. */
export const uuid = ({ column }: { column?: string } = {}): Filter => ({
  ...scalarFilter({
    type: 'uuid',
    operators: ['eq', 'ne', 'exists'],
    description: 'A UUID',
    value: { type: 'string', format: 'uuid' },
    column,
    read: (value) => {
      if (!uuidPattern.test(value)) throw new FilterError('must be a UUID')
      return value.toLowerCase()
    },
  }),
  hasSeveral: true,
})

/** A filter on a text column with user ids; `me` is the signed-in user. */
export const userId = ({ column }: { column?: string } = {}): Filter => ({
  operators: ['eq', 'ne', 'exists'],
  description: 'The id of a user, or `me` for the signed-in user',
  value: { type: 'string', minLength: 1, maxLength: maxIdLength },
  hasSeveral: true,
  column,
  parse: (operator, value, sql) => {
    if (operator === 'exists') return existsCondition(value, sql)
    const ids = splitValues(checkText(value))
    if (ids.some((id) => id.length > maxIdLength))
      throw new FilterError(`must be ids of at most ${maxIdLength} characters`)
    return (bind, context) => {
      const resolved = ids.map((id) => (id === 'me' ? (context.actor?.id ?? '') : id))
      return equalityCondition(operator === 'ne' ? 'ne' : 'eq', sql, 'text', resolved)(bind, context)
    }
  },
})

const exampleIds = ['0190a5c4-6f00-7000-8000-000000000001', '0190a5c4-6f00-7000-8000-000000000002']
const limit = `give up to ${maxValues} ids, separated by commas`
/** Longer than {@link maxValues} ids of any kind. */
const maxLength = 10_000

const readIds = (value: string, type: 'uuid' | 'text'): string[] => {
  if (value.split(',', maxValues + 1).length > maxValues) throw new FilterError(`has too many ids: ${limit}`)
  return splitValues(checkText(value, maxLength)).map((id, index) => {
    const isValid = type === 'uuid' ? uuidPattern.test(id) : id !== '' && id.length <= maxIdLength
    if (!isValid) throw new FilterError(`id ${index + 1} is not ${type === 'uuid' ? 'a UUID' : 'an id'}: ${limit}`)
    return type === 'uuid' ? id.toLowerCase() : id
  })
}

/** The filter of every list by the ids of its rows. Ids that do not exist match nothing. */
export const idFilter = (type: 'uuid' | 'text'): Filter => ({
  operators: ['eq'],
  description: `The ids of the rows, up to ${maxValues}, separated by commas. An id that does not exist is left out`,
  example: exampleIds,
  value:
    type === 'uuid' ? { type: 'string', format: 'uuid' } : { type: 'string', minLength: 1, maxLength: maxIdLength },
  hasSeveral: true,
  parse: (_operator, value, column) => {
    const ids = readIds(value, type)
    return markIdCondition((bind) => `${column} = any(${bind(ids)}::${type}[])`)
  },
})
