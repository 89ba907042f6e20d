import type { IncomingMessage } from 'node:http'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { verifyLink } from '@clientele/platform/http/signed-link'
import { Problem } from '@clientele/platform/runtime/problem'

/** Lets pass whoever is signed in or has a valid link. @throws Problem 401 with neither, 403 for a link that is not valid */
export const createReaderCheck =
  (keys: readonly string[]) =>
  ({ url = '' }: IncomingMessage, { token }: Actor): void => {
    if (token !== '' || verifyLink(url, keys)) return
    if (/[?&]signature=/.test(url))
      throw new Problem('forbidden', {
        detail: 'the link has expired or was altered; read the resource again for a new one',
      })
    throw new Problem('unauthorized', { headers: { 'WWW-Authenticate': 'Bearer realm="clientele"' } })
  }
