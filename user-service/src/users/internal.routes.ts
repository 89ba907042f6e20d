import { maxRevocationsPerPage, Revocations } from '@clientele/contracts/revocation'
import { UserStates } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import express, { type Router } from 'express'
import { readRevocations, readRevocationsByUser } from '../revocations/revocation-pages.ts'
import { readUserStates } from './user-states.ts'

const maxUsersPerPage = 1_000

const parseLimit = (text: string, max: number): number => {
  const limit = Number(text)
  if (!Number.isInteger(limit) || limit < 1 || limit > max)
    throw new Problem('invalid_parameter', { detail: `limit must be an integer from 1 to ${max}` })
  return limit
}

/**
 * `GET /revocations?since=&limit=&after=` on the internal port. Every process that accepts tokens reads it at its start, when its
 * broker connects again, and every few seconds. `GET /users?limit=&after=`: services that show names of users read it at their start
 * and every ten minutes.
 */
export const internalRoutes = (db: Db): Router => {
  const router = express.Router()
  router.get('/revocations', async (req, res) => {
    const { searchParams } = new URL(req.originalUrl, 'http://internal')
    const since = new Date(searchParams.get('since') ?? 0)
    if (Number.isNaN(since.getTime())) throw new Problem('invalid_parameter', { detail: 'since must be a time' })
    const [limit, after] = [searchParams.get('limit'), searchParams.get('after') ?? undefined]
    const page =
      limit === null
        ? await readRevocationsByUser(db, since)
        : await readRevocations(db, since, parseLimit(limit, maxRevocationsPerPage), after)
    res.json(Revocations.parse(page))
  })
  router.get('/users', async (req, res) => {
    const { searchParams } = new URL(req.originalUrl, 'http://internal')
    const limit = parseLimit(searchParams.get('limit') ?? String(maxUsersPerPage), maxUsersPerPage)
    res.json(UserStates.parse({ data: await readUserStates(db, searchParams.get('after') ?? '', limit) }))
  })
  return router
}
