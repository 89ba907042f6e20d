import { createHmac } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import { signLink, verifyLink } from '@clientele/platform/http/signed-link'
import { Problem } from '@clientele/platform/runtime/problem'

type LinkConfig = { publicUrl?: string | undefined; mediaSigningKey: string; mediaLinkTtlSeconds: number }

/** Links to files of jobs, under `base` such as `/v1/jobs`. */
export type JobLinks = {
  of(id: string, file: 'result' | 'errors'): string
  /** Whether the request came by a valid link. @throws Problem 403 for one that has expired or was altered */
  allows(req: IncomingMessage): boolean
}

/** Signed with a key made from the one of media links: a link of one kind is none of the other. */
export const createJobLinks = (config: LinkConfig, base: string): JobLinks => {
  const key = createHmac('sha256', config.mediaSigningKey).update('files of jobs').digest('base64url')
  return {
    of: (id, file) =>
      (config.publicUrl ?? '') + signLink(`${base}/${id}/${file}`, { key, ttlSeconds: config.mediaLinkTtlSeconds }),
    allows: ({ url = '' }) => {
      if (verifyLink(url, key)) return true
      if (/[?&]signature=/.test(url))
        throw new Problem('forbidden', {
          detail: 'the link has expired or was altered; read the job again for a new one',
        })
      return false
    },
  }
}
