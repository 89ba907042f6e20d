import { testEnv } from '@clientele/platform/testing/database'
import { localEnv } from '@clientele/stack/profile/local-env'

/** The secret of that name in a test system. Those of Keycloak clients are the test realm's. */
export const secretOf = (name: string): string => {
  if (name === 'userService') return testEnv('CLIENTELE_USER_SERVICE_SECRET')
  if (name === 'login') return testEnv('CLIENTELE_LOGIN_SECRET')
  return `e2e-${name}-secret-of-32-characters`
}

/** A service's settings from its `local.env`, as `npm start` sets them, but without mail and SMS. */
export const serviceSettings = (
  name: string,
  context: { home: string; publicUrl: string },
): Record<string, string> => ({
  ...localEnv(name, { ...context, secret: secretOf, port: () => process.env['TEST_SMTP_PORT'] ?? '25' }),
  SMTP_CONFIGURED: 'false',
  SMTP_URL: '',
  MAIL_FROM: '',
  SMS_CATCHER_URL: '',
  MAX_MESSAGES_PER_RECIPIENT: '100000',
  MAX_MESSAGES_PER_AUTHOR: '100000',
  MAX_MESSAGES_PER_DAY: '100000',
  SMS_COUNTRIES: '*',
})
