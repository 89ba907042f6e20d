import { testEnv } from '@clientele/platform/testing/database'
import { localEnv } from '@clientele/stack/profile/local-env'

/** The secret of that name in a test system. */
export const secretOf = (name: string): string => {
  if (name === 'userService') return testEnv('CLIENTELE_USER_SERVICE_SECRET')
  if (name === 'login') return testEnv('CLIENTELE_LOGIN_SECRET')
  return `e2e-${name}-secret-of-32-characters`
}

/** A process's own settings as `npm start` gives them (its `local.env`), but nothing is mailed and no other origin calls. */
export const ownSettings = (name: string, place: { home: string; publicUrl: string }): Record<string, string> => ({
  ...localEnv(name, { ...place, secret: secretOf, port: () => testEnv('TEST_SMTP_PORT') }),
  SMTP_CONFIGURED: 'false',
  SMTP_URL: '',
  MAIL_FROM: '',
  CORS_ORIGINS: '',
})
