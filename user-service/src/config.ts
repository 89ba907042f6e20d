import { databaseConfig } from '@clientele/platform/data/database-config'
import { flag, httpUrl, integer, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { z } from 'zod'

export const configShape = {
  ...serviceConfig,
  ...databaseConfig,
  publicUrl: httpUrl.describe('the address that browsers know; links in mails lead back to it'),
  consoleClientId: z.string().default('clientele-console'),
  keycloakClientId: z.string().default('clientele-user-service').describe('service account that manages people'),
  keycloakClientSecret: z.string().min(8),
  loginClientId: z.string().default('clientele-login').describe('client that passwords are handed to Keycloak through'),
  loginClientSecret: z.string().min(8),
  signupEnabled: flag.default(false),
  signupDefaultRole: z.enum(['user', 'none']).default('user').describe('`none`: an admin has to grant a role first'),
  passwordLoginEnabled: flag.default(false),
  smtpConfigured: flag
    .default(false)
    .describe('whether the realm can send mail: password resets, invitations, verification'),
  verifyEmail: flag
    .default(false)
    .describe('whether who signs up has to follow a mailed link before the first sign-in'),
  pollIntervalMs: integer(100, 60_000).default(1_500),
  reconcileIntervalMs: integer(1_000, 86_400_000).default(600_000),
}
export type Config = z.infer<z.ZodObject<typeof configShape>>

/** @throws ConfigError naming every fault */
export const config = (): Config => loadConfig(configShape)
