import { revocationConfig } from '@clientele/platform/auth/revocation-config'
import { databaseConfig } from '@clientele/platform/data/database-config'
import { ConfigError, integer, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import type { z } from 'zod'
import { webhookConfig, webhookConfigErrors } from './webhooks/webhook.config.ts'

export const configShape = {
  ...serviceConfig,
  ...revocationConfig,
  ...databaseConfig,
  ...webhookConfig,
  activityKeepPassingMonths: integer(1, 1_200)
    .default(13)
    .describe('how many months of stock movements, messages, media and imports are kept, besides the current one'),
  activityKeepLastingMonths: integer(1, 1_200)
    .optional()
    .describe('how many months of all other events are kept, besides the current one; by default all'),
  maxStreams: integer(1, 100_000).default(5_000).describe('live streams of events in each process; beyond it 503'),
  streamsPerUser: integer(1, 1_000).default(8).describe('live streams of one user in each process; beyond it 429'),
}
export type ActivityConfig = z.infer<z.ZodObject<typeof configShape>>

/** Checks what depends on several settings. @throws ConfigError that lists every invalid setting */
export const checkConfig = (config: ActivityConfig): ActivityConfig => {
  const errors = webhookConfigErrors(config)
  if (errors.length > 0) throw new ConfigError(`configuration: ${errors.join('; ')}`)
  return config
}

/** @throws ConfigError naming every invalid setting */
export const config = (): ActivityConfig => checkConfig(loadConfig(configShape))
