import type { Actor } from '@clientele/platform/auth'
import { Problem } from '@clientele/platform/problem'
import { verifyLink } from '@clientele/platform/signed-link'
import type { Request } from 'express'

/** Lets pass whoever is signed in or has a valid link. @throws Problem 401 with neither, 403 for a link that is not valid */
export const createReaderCheck =
  (key: string) =>
  (req: Request, { token }: Actor): void => {
    if (token !== '' || verifyLink(req.originalUrl, key)) return
    if (/[?&]signature=/.test(req.originalUrl))
      throw new Problem('forbidden', {
        detail: 'the link has expired or was altered; read the resource again for a new one',
      })
    throw new Problem('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="clientele"' } })
  }
