import type { Order, OrderStatus } from '@clientele/contracts/order'
import { snake } from '@clientele/platform/data/column-name'

export type OrderRow = {
  id: string
  number: number
  customerId: string | null
  status: OrderStatus
  total: string
  currency: string
  note: string | null
  metadata: Order['metadata']
  placedAt: Date
  fulfilledAt: Date | null
  cancelledAt: Date | null
  createdBy: string
  createdByName: string
  updatedAt: Date
  updatedBy: string
  updatedByName: string
  version: number
}

/** A line; price and description are those of the moment of the order. */
export type OrderLineRow = {
  id: string
  productId: string | null
  description: string
  quantity: number
  unitPrice: string
  lineTotal: string
}

/** The attributes of an {@link OrderRow}; a column is its attribute in snake case. */
export const orderAttributes = [
  'id',
  'number',
  'customerId',
  'status',
  'total',
  'currency',
  'note',
  'metadata',
  'placedAt',
  'fulfilledAt',
  'cancelledAt',
  'createdBy',
  'createdByName',
  'updatedAt',
  'updatedBy',
  'updatedByName',
  'version',
] as const satisfies (keyof OrderRow)[]

/** Columns under the names of their attributes. */
export const selected = (attributes: readonly string[]): string =>
  attributes.map((name) => `${snake(name)} as "${name}"`).join(', ')

const latest = 2 ** 48 - 1
/** When an order was placed: the time in its id (UUIDv7, RFC 9562, section 5.7). Ids sort as these times do. */
export const placedAtOf = (id: string): Date => new Date(Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16))
/** The smallest id of a millisecond. */
export const firstIdOf = (ms: number): string => {
  const hex = Math.min(Math.max(ms, 0), latest).toString(16).padStart(12, '0')
  return `${hex.slice(0, 8)}-${hex.slice(8)}-0000-0000-000000000000`
}

const digits = 6
/** 123 → `ORD-000123` */
export const orderNumber = (number: number): string => `ORD-${String(number).padStart(digits, '0')}`

/** `ord-123` and `ORD-000123` → 123; undefined for what is no number of an order. */
export const readOrderNumber = (text: string): number | undefined => {
  const [, number] = /^\s*ORD-(\d{1,15})\s*$/i.exec(text) ?? []
  return number === undefined ? undefined : Number(number)
}
