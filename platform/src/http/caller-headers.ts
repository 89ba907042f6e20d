import type { Actor } from '../auth/token-verifier.ts'
import { currentContext } from '../runtime/context.ts'
import { currentTraceparent } from '../runtime/telemetry.ts'

/**
 * Headers for a call to another service on behalf of `actor`: its token, and the request id and trace of the current request.
 */
export const headersFor = ({ token }: Actor): Record<string, string> => {
  const requestId = currentContext()?.requestId
  const traceparent = currentTraceparent()
  return {
    authorization: `Bearer ${token}`,
    ...(requestId !== undefined && { 'x-request-id': requestId }),
    ...(traceparent !== undefined && { traceparent }),
  }
}
