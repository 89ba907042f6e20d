import type { PublicSettings } from '@clientele/contracts/installation'
import { databaseConfig } from '@clientele/platform/data/database-config'
import { ConfigError, flag, httpUrl, integer, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { z } from 'zod'

export const configShape = {
  ...serviceConfig,
  ...databaseConfig,
  publicUrl: httpUrl.describe('the address that browsers use; links in mails lead back to it'),
  consoleClientId: z.string().default('clientele-console'),
  keycloakClientId: z.string().default('clientele-user-service').describe('service account that manages users'),
  keycloakClientSecret: z.string().min(8),
  loginClientId: z.string().default('clientele-login').describe('client that passwords are sent to Keycloak with'),
  loginClientSecret: z.string().min(8),
  signupEnabled: flag.default(false),
  signupDefaultRole: z
    .enum(['user', 'none'])
    .optional()
    .describe(
      "role of users who sign up, also at Keycloak's page and by identity providers; with `none` an admin has to grant one first; `none` by default, in the local profile `user`",
    ),
  passwordLoginEnabled: flag.default(false),
  smtpConfigured: flag
    .default(false)
    .describe('whether the realm can send mail: password resets, invitations, e-mail verification'),
  smtpUrl: z
    .url({ protocol: /^smtps?$/ })
    .optional()
    .describe('mail server for the links that change an e-mail address; without it only admins change addresses'),
  mailFrom: z.string().max(320).regex(/@/, 'must be an address, such as shop@example.com').optional(),
  verifyEmail: flag
    .default(false)
    .describe('whether users who sign up have to verify their e-mail address before the first sign-in'),
  pollIntervalMs: integer(100, 60_000).default(1_500),
  reconcileIntervalMs: integer(1_000, 86_400_000).default(600_000),
}
export type Config = z.infer<z.ZodObject<typeof configShape>>

/** The role of users who sign up. Only the local profile gives one by default. */
export const signUpRoleOf = ({ signupDefaultRole, profile }: Pick<Config, 'signupDefaultRole' | 'profile'>) =>
  signupDefaultRole ?? (profile === 'local' ? 'user' : 'none')

/** The settings that everybody may know. */
export const publicSettings = (config: Config): PublicSettings => ({
  features: { signup: config.signupEnabled, passwordLogin: config.passwordLoginEnabled, mail: config.smtpConfigured },
})

/** Checks what depends on several settings. @throws ConfigError that lists every invalid setting */
export const checkConfig = (settings: Config): Config => {
  const errors: string[] = []
  if (settings.smtpUrl !== undefined && settings.mailFrom === undefined)
    errors.push('MAIL_FROM is missing: SMTP_URL needs it')
  if (settings.profile === 'production' && settings.signupEnabled && signUpRoleOf(settings) === 'user')
    errors.push(
      'SIGNUP_ENABLED with SIGNUP_DEFAULT_ROLE=user lets anybody read all customers: set SIGNUP_DEFAULT_ROLE=none, and grant the role to those who may',
    )
  if (errors.length > 0) throw new ConfigError(`configuration: ${errors.join('; ')}`)
  return settings
}

/** @throws ConfigError that lists every invalid setting */
export const config = (): Config => checkConfig(loadConfig(configShape))
