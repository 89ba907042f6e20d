import { OrderStatus } from '@clientele/contracts/order'
import {
  type Bind,
  type Condition,
  checkText,
  type Filter,
  FilterError,
  type Operator,
} from '@clientele/platform/lists/filters'
import { list, number, text, time, userId, uuid, whole } from '@clientele/platform/lists/list'
import { type OrderRow, orderAttributes } from './order.model.ts'
import { firstIdOf } from './order-id.ts'
import { readOrderNumber } from './order-number.ts'

const upper = (value: string): string => value.trim().toUpperCase()

const status = (value: string): string => {
  if (!OrderStatus.safeParse(value).success) throw new FilterError(`must be ${OrderStatus.options.join(', ')}`)
  return value
}

const { parse: numberIs } = whole()
const readNumber = (value: string): number => {
  const read = readOrderNumber(value)
  if (read === undefined) throw new FilterError('must be a number of an order such as ORD-000123')
  return read
}

/** By number, as a whole number: `ORD-1000000` is greater than `ORD-999999`. */
const numbers: Filter = {
  operators: ['eq', 'ne', 'gt', 'gte', 'lt', 'lte'],
  description: 'the number of an order, such as ORD-000123; several between commas are alternatives',
  parse: (operator, value, column) => {
    const values = checkText(value, 10_000).split(',')
    return numberIs(operator, values.map(readNumber).join(','), column)
  },
}

const { parse: placedIs, operators, description } = time()
const readTimes = (operator: Operator, value: string): number[] => {
  const bound: unknown[] = []
  placedIs(operator, value, 'placed_at')((each) => String(bound.push(each)), {})
  return bound.flat().map((each) => Date.parse(String(each)))
}

const before = (bind: Bind, ms: number) => `id < ${bind(firstIdOf(ms))}::uuid`
const ofId = (condition: Condition): Condition => Object.assign(condition, { of: 'id' as const })

/** By time, as a range of ids: it comes in the order of the list. */
const placedAt: Filter = {
  operators: operators.filter((operator) => operator !== 'ne' && operator !== 'exists'),
  description,
  parse: (operator, value) => {
    const times = readTimes(operator, value)
    const [at = 0] = times
    const from = (bind: Bind, ms: number) => `id >= ${bind(firstIdOf(ms))}::uuid`
    if (operator === 'gte' || operator === 'gt') return ofId((bind) => from(bind, operator === 'gt' ? at + 1 : at))
    if (operator === 'lt' || operator === 'lte') return ofId((bind) => before(bind, operator === 'lte' ? at + 1 : at))
    return ofId((bind) => times.map((ms) => `(${from(bind, ms)} and ${before(bind, ms + 1)})`).join(' or '))
  },
}

const { parse: productIs } = uuid()
/** Orders with a line of a product, counted and found by the index of lines. */
const product: Filter = {
  operators: ['eq'],
  description: 'the id of a product that is in the order; several between commas are alternatives',
  parse: (operator, value) => {
    const condition = productIs(operator, value, 'product_id')
    const ids: Condition = (bind, context) =>
      `select distinct order_id from order_lines where ${condition(bind, context)}`
    return Object.assign(ids, { of: 'ids' as const })
  },
}

export const orderList = list<OrderRow>({
  table: 'orders',
  columns: orderAttributes,
  sort: [{ name: 'placedAt', column: 'id' }, 'updatedAt', 'total', 'number'],
  defaultSort: '-placedAt',
  filter: {
    customerId: uuid(),
    createdBy: userId(),
    status: text({ normalise: status }),
    productId: product,
    placedAt,
    updatedAt: time({ after: before }),
    total: number(),
    currency: text({ normalise: upper }),
    number: numbers,
  },
})
