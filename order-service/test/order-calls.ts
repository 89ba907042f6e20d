import { randomUUID } from 'node:crypto'
import type { Client } from '@clientele/platform/testing/client'
import { aProduct, type Running } from './start.ts'

/** A free-text line. */
export const textLine = { description: 'macbook m2', unitPrice: '56000.68' }

/** The calls that tests of orders make; each call reads the service from `running`. */
export const orderCalls = (running: () => Running) => {
  const place = (lines: unknown[], fields: Record<string, unknown> = {}, by: Client = running().user) =>
    by.post('/v1/orders', { lines, ...fields })
  return {
    place,
    /** Places an order, by default with one free-text line. @returns its body */
    createOrder: async (lines: unknown[] = [textLine], fields: Record<string, unknown> = {}) => {
      const { status, body } = await place(lines, fields)
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
      return body
    },
    createProduct: async (fields: Record<string, unknown> = {}) => {
      const { status, body } = await running().user.post('/v1/products', aProduct(fields))
      if (status !== 201) throw new Error(`${status} ${JSON.stringify(body)}`)
      return body
    },
    stockOf: async (id: string): Promise<number> => (await running().user.get(`/v1/products/${id}`)).body.stock,
    movements: async (id: string): Promise<{ delta: number; kind: string; orderId: string | null }[]> =>
      (await running().user.get(`/v1/products/${id}/stock-movements`)).body.data,
    /** Adds a customer to the projection. */
    createCustomer: async (state = 'active'): Promise<string> => {
      const id = randomUUID()
      await running().db.query('insert into customers (id, state, version) values ($1, $2, 1)', [id, state])
      return id
    },
    count: async (table: 'orders' | 'order_lines'): Promise<number> =>
      (await running().db.query<{ count: number }>(`select count(*) from ${table}`))[0]?.count ?? 0,
  }
}

/** The errors of a problem as `pointer code`. */
export const errorCodes = (body: { errors: { pointer: string; code: string }[] }): string[] =>
  body.errors.map(({ pointer, code }) => `${pointer} ${code}`)
