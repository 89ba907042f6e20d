import { OrderStatus } from '@clientele/contracts/order'
import { type Bind, type Condition, markIdCondition } from '@clientele/platform/lists/condition'
import { checkText, type Filter, FilterError, type Operator } from '@clientele/platform/lists/filters'
import { integer, list, number, oneOf, text, time, userId, uuid } from '@clientele/platform/lists/list'
import { type OrderRow, orderAttributes } from './order.model.ts'
import { firstIdAt } from './order-id.ts'
import { parseOrderNumber } from './order-number.ts'

const upper = (value: string): string => value.trim().toUpperCase()

const { parse: parseWhole } = integer()
const parseNumber = (value: string): number => {
  const number = parseOrderNumber(value)
  if (number === undefined) throw new FilterError('must be an order number such as ORD-000123')
  return number
}

/** Filters by number. Numbers are compared as integers: `ORD-1000000` is greater than `ORD-999999`. */
const orderNumber: Filter = {
  operators: ['eq', 'ne', 'gt', 'gte', 'lt', 'lte'],
  description: 'An order number, such as `ORD-000123`',
  value: { type: 'string', maxLength: 100, examples: ['ORD-000123'] },
  hasSeveral: true,
  parse: (operator, value, column) => {
    const values = checkText(value, 10_000).split(',')
    return parseWhole(operator, values.map(parseNumber).join(','), column)
  },
}

const { parse: parseTime, operators, description, value: timeValue } = time()
/** The times in a filter's value, in milliseconds. It runs the standard time filter and collects the values that this binds. */
const readTimes = (operator: Operator, value: string): number[] => {
  const values: unknown[] = []
  parseTime(operator, value, 'placed_at')((each) => String(values.push(each)), {})
  return values.flat().map((each) => Date.parse(String(each)))
}

const idFrom = (bind: Bind, ms: number) => `id >= ${bind(firstIdAt(ms))}::uuid`
const idBefore = (bind: Bind, ms: number) => `id < ${bind(firstIdAt(ms))}::uuid`
/** Filters by time. An id contains the time of its order, so the condition is a range of ids, in the default order of the list. */
const placedAt: Filter = {
  operators: operators.filter((operator) => operator !== 'ne' && operator !== 'exists'),
  description,
  value: timeValue,
  parse: (operator, value) => {
    const times = readTimes(operator, value)
    const [at = 0] = times
    if (operator === 'gte' || operator === 'gt')
      return markIdCondition((bind) => idFrom(bind, operator === 'gt' ? at + 1 : at))
    if (operator === 'lt' || operator === 'lte')
      return markIdCondition((bind) => idBefore(bind, operator === 'lte' ? at + 1 : at))
    return markIdCondition((bind) =>
      times.map((ms) => `(${idFrom(bind, ms)} and ${idBefore(bind, ms + 1)})`).join(' or '),
    )
  },
}

const { parse: parseUuid, value: uuidValue } = uuid()
/** Filters by product. The subquery uses the index on lines, for the count and the page. */
const product: Filter = {
  operators: ['eq'],
  description: 'The id of a product in the order',
  value: uuidValue,
  hasSeveral: true,
  parse: (operator, value) => {
    const condition = parseUuid(operator, value, 'product_id')
    const ids: Condition = (bind, context) =>
      `select distinct order_id from order_lines where ${condition(bind, context)}`
    return Object.assign(ids, { kind: 'idQuery' } satisfies Pick<Condition, 'kind'>)
  },
}

/** A whole order number finds that order, and a whole customer code the orders of that customer. */
const lookup = (text: string): Condition[] => {
  const number = parseOrderNumber(text)
  if (number !== undefined) return [(bind) => `number = ${bind(number)}::bigint`]
  const [, digits] = /^CUS-(\d{1,15})$/i.exec(text) ?? []
  if (digits === undefined) return []
  const code = `CUS-${digits.padStart(6, '0')}`
  return [(bind) => `customer_id = (select id from customers where code = ${bind(code)} limit 1)`]
}

export const orderList = list<OrderRow>({
  table: 'orders',
  columns: orderAttributes,
  sort: [{ name: 'placedAt', column: 'id' }, 'updatedAt', 'total', 'number'],
  defaultSort: '-placedAt',
  filter: {
    customerId: uuid(),
    createdBy: userId(),
    status: oneOf(OrderStatus),
    productId: product,
    placedAt,
    updatedAt: time({ upperBoundImplies: idBefore }),
    total: number(),
    currency: text({ normalise: upper }),
    number: orderNumber,
  },
  search: 'search_text',
  lookup,
})
