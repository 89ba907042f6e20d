import { Revocations } from '@clientele/contracts/user'
import { Problem } from '@clientele/platform/runtime/problem'
import express, { type Router } from 'express'
import type { Models } from '../models.ts'
import { recentRevocations } from './revocations.ts'

/** `GET /revocations?since=` on the internal port: what a gateway that starts, or was cut off, has to know. */
export const internalRoutes = ({ revocations }: Pick<Models, 'revocations'>): Router => {
  const router = express.Router()
  router.get('/revocations', async (req, res) => {
    const { searchParams } = new URL(req.originalUrl, 'http://internal')
    const since = new Date(searchParams.get('since') ?? 0)
    if (Number.isNaN(since.getTime())) throw new Problem('invalid_parameter', { detail: 'since must be a time' })
    res.json(Revocations.parse({ data: await recentRevocations(revocations, since) }))
  })
  return router
}
