import type { Actor } from '../auth/token-verifier.ts'
import { currentContext } from '../runtime/context.ts'
import { currentTraceparent } from '../runtime/telemetry.ts'

/** Headers of a call to another service in the name of `actor`: their token, and the ids of the present request. */
export const onBehalfOf = ({ token }: Actor): Record<string, string> => {
  const requestId = currentContext()?.requestId
  const traceparent = currentTraceparent()
  return {
    authorization: `Bearer ${token}`,
    ...(requestId !== undefined && { 'x-request-id': requestId }),
    ...(traceparent !== undefined && { traceparent }),
  }
}
