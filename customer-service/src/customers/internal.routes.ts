import { type CustomerState, CustomerStates } from '@clientele/contracts/customer'
import { uuid } from '@clientele/contracts/fields'
import type { Db } from '@clientele/platform/data/db'
import { parseParameters, parseQueryString } from '@clientele/platform/http/request-parsing'
import express, { type Router } from 'express'
import { z } from 'zod'

const maxPerPage = 1_000
const firstId = '00000000-0000-0000-0000-000000000000'

const Query = z.strictObject({
  limit: z.coerce.number().int().min(1).max(maxPerPage).default(maxPerPage),
  after: z.union([z.literal('').transform(() => firstId), uuid], 'must be the id of a customer').default(firstId),
})

const select = `select id, version, code, name, surname, deleted_at as "deletedAt" from customers
where id > $1::uuid order by id limit $2`

/**
 * `GET /customers?limit=&after=` on the internal port: services that show names of customers read it at their start and every ten
 * minutes.
 */
export const internalRoutes = (db: Db): Router => {
  const router = express.Router()
  router.get('/customers', async (req, res) => {
    const { limit, after } = parseParameters(Query, parseQueryString(req.url))
    const rows = await db.query<Omit<CustomerState, 'deletedAt'> & { deletedAt: Date | null }>(select, [after, limit])
    const data = rows.map((row) => ({ ...row, deletedAt: row.deletedAt?.toISOString() ?? null }))
    res.json(CustomerStates.parse({ data }))
  })
  return router
}
