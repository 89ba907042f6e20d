import { revocationConfig } from '@clientele/platform/auth/revocation-config'
import { databaseConfig } from '@clientele/platform/data/database-config'
import { integer, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import type { z } from 'zod'

export const configShape = {
  ...serviceConfig,
  ...revocationConfig,
  ...databaseConfig,
  activityKeepPassingMonths: integer(1, 1_200)
    .default(13)
    .describe('how many months of stock movements, messages, media and imports are kept, besides the current one'),
  activityKeepLastingMonths: integer(1, 1_200)
    .optional()
    .describe('how many months of all other events are kept, besides the current one; by default all'),
}
export type ActivityConfig = z.infer<z.ZodObject<typeof configShape>>

/** @throws ConfigError naming every invalid setting */
export const config = (): ActivityConfig => loadConfig(configShape)
