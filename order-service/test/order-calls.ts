import { randomUUID } from 'node:crypto'
import type { Client } from '@clientele/platform/testing/client'
import { aProduct, type Running } from './start.ts'

/** A line of free text. */
export const textLine = { description: 'macbook m2', unitPrice: '56000.68' }

/** What tests of orders do again and again; `running` is asked at each call. */
export const orderCalls = (running: () => Running) => {
  const place = (lines: unknown[], fields: Record<string, unknown> = {}, by: Client = running().user) =>
    by.post('/v1/orders', { lines, ...fields })
  return {
    place,
    /** An order that was placed; of one line of text where none is given. */
    placed: async (lines: unknown[] = [textLine], fields: Record<string, unknown> = {}) => {
      const { status, body } = await place(lines, fields)
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
      return body
    },
    product: async (fields: Record<string, unknown> = {}) => {
      const { status, body } = await running().user.post('/v1/products', aProduct(fields))
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
      return body
    },
    stockOf: async (id: string): Promise<number> => (await running().user.get(`/v1/products/${id}`)).body.stock,
    movements: async (id: string): Promise<{ delta: number; kind: string; orderId: string | null }[]> =>
      (await running().user.get(`/v1/products/${id}/stock-movements`)).body.data,
    /** A customer that events have told of. */
    customer: async (state = 'active'): Promise<string> => {
      const id = randomUUID()
      await running().db.query('insert into customers (id, state, version) values ($1, $2, 1)', [id, state])
      return id
    },
    count: async (table: 'orders' | 'order_lines'): Promise<number> =>
      (await running().db.query<{ count: number }>(`select count(*) from ${table}`))[0]?.count ?? 0,
  }
}

/** Each fault of a problem as `pointer code`. */
export const faults = (body: { errors: { pointer: string; code: string }[] }): string[] =>
  body.errors.map(({ pointer, code }) => `${pointer} ${code}`)
