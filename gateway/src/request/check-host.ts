import { createHostCheck } from '@clientele/platform/http/known-host'
import { Problem } from '@clientele/platform/runtime/problem'
import type { RequestHandler } from 'express'

/** Rejects requests for a host that this installation does not serve with 421 (RFC 9110, section 15.5.20). */
export const checkHost = ({
  publicUrl,
  allowedHosts,
}: {
  publicUrl: string
  allowedHosts: string[]
}): RequestHandler => {
  const isKnown = createHostCheck([new URL(publicUrl).hostname, ...allowedHosts])
  return ({ headers: { host } }, _res, next) => {
    // Only HTTP/1.0 has requests without a host.
    if (host !== undefined && !isKnown(host)) throw new Problem('misdirected', { detail: 'the host is not known here' })
    next()
  }
}
