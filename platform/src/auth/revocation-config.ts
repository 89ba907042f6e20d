import type { z } from 'zod'
import { httpUrl, integer } from '../runtime/config.ts'

/** Settings of every process that accepts access tokens, but for user-service, which has the revocations itself. */
export const revocationConfig = {
  userServiceInternalUrl: httpUrl.describe("user-service's internal port, from which revoked tokens are read"),
  revocationPollMs: integer(100, 60_000).default(2_000),
}
export type RevocationConfig = z.infer<z.ZodObject<typeof revocationConfig>>
