import type { IncomingMessage } from 'node:http'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { verifyLink } from '@clientele/platform/http/signed-link'
import { Problem } from '@clientele/platform/runtime/problem'

/** Accepts a signed-in user or a valid signed link. @throws Problem 401 with neither; 403 if the link is not valid */
export const createReaderCheck =
  (keys: readonly string[]) =>
  ({ url = '' }: IncomingMessage, { token }: Actor): void => {
    if (token !== '' || verifyLink(url, keys)) return
    if (/[?&]signature=/.test(url))
      throw new Problem('forbidden', {
        detail: 'the link has expired or is not valid; get the resource again for a new link',
      })
    throw new Problem('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="clientele"' } })
  }
