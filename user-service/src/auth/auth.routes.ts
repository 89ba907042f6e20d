import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import { Accepted, AuthConfig, Login, PasswordReset, RefreshToken, SignUp, Tokens } from '@clientele/contracts/user'
import { type Api, accepted, noContent, ok } from '@clientele/platform/http/api'
import { Problem } from '@clientele/platform/runtime/problem'
import type { MailQueue } from './mail-queue.ts'
import type { SignInService } from './sign-in.service.ts'
import type { SignUpService } from './sign-up.service.ts'

type Switches = { signupEnabled: boolean; passwordLoginEnabled: boolean; smtpConfigured: boolean }
type Deps = {
  config: Switches & { keycloakIssuer: string; consoleClientId: string }
  signIn: SignInService
  signUp: SignUpService
  mails: MailQueue
}

const tag = 'Sign-in'
const roles = 'public'
/** Not repeatable by key: a stored answer would hold tokens, a stored fingerprint a digest of a password. */
const idempotent = false

const needs = (on: boolean, what: string): void => {
  if (!on) throw new Problem('not_found', { detail: `${what} is switched off here` })
}

/** The caller's address as the gateway saw it: the last one of its header. */
const addressOf = (req: IncomingMessage): string | undefined => {
  const last =
    String(req.headers['x-forwarded-for'] ?? '')
      .split(',')
      .at(-1)
      ?.trim() ?? ''
  return isIP(last) === 0 ? undefined : last
}

const secret = { headers: { 'Cache-Control': 'no-store' } }

export const authRoutes = (api: Api, { config, signIn, signUp, mails }: Deps): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/auth/config',
      operationId: 'getAuthConfig',
      summary: 'How to sign in here',
      tag,
      roles,
      responses: { 200: AuthConfig },
    },
    async () => {
      const base = `${config.keycloakIssuer}/protocol/openid-connect`
      return ok({
        issuer: config.keycloakIssuer,
        clientId: config.consoleClientId,
        authorizationEndpoint: `${base}/auth`,
        tokenEndpoint: `${base}/token`,
        logoutEndpoint: `${base}/logout`,
        signup: config.signupEnabled,
        passwordLogin: config.passwordLoginEnabled,
        passwordReset: config.smtpConfigured,
      })
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/signup',
      operationId: 'signUp',
      summary: 'Creates an account of your own',
      description:
        'The answer is the same where the address has an account already. Without a username, or where it is taken, the e-mail address is the username. With `createCustomer` a customer linked to the user appears soon after.',
      tag,
      roles,
      idempotent,
      body: SignUp,
      responses: { 202: Accepted },
    },
    async ({ body }) => {
      needs(config.signupEnabled, 'sign-up')
      await signUp.signUp(body)
      return accepted({
        message: 'If the address had no account, it has one now. Look at your mail if you cannot sign in.',
      })
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/login',
      operationId: 'signIn',
      summary: 'Signs in by password and gives tokens',
      description: 'For API clients; browsers use the authorization code flow with PKCE.',
      tag,
      roles,
      idempotent,
      body: Login,
      responses: { 200: Tokens, 401: null },
    },
    async ({ body: { username, password }, req }) => {
      needs(config.passwordLoginEnabled, 'sign-in by password')
      return ok(await signIn.signIn(username, password, addressOf(req)), secret)
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/refresh',
      operationId: 'refreshTokens',
      summary: 'Gives new tokens for a refresh token, which is used up by it',
      tag,
      roles,
      idempotent,
      body: RefreshToken,
      responses: { 200: Tokens, 401: null },
    },
    async ({ body: { refreshToken } }) => {
      needs(config.passwordLoginEnabled, 'sign-in by password')
      return ok(await signIn.refresh(refreshToken), secret)
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/logout',
      operationId: 'signOut',
      summary: 'Ends the session of a refresh token',
      tag,
      roles,
      idempotent,
      body: RefreshToken,
      responses: { 204: null },
    },
    async ({ body: { refreshToken } }) => {
      needs(config.passwordLoginEnabled, 'sign-in by password')
      await signIn.signOut(refreshToken)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/password-reset',
      operationId: 'requestPasswordReset',
      summary: 'Has Keycloak mail a link to set a new password',
      description: 'The answer is the same for an unknown address. At most one mail a minute is sent to an address.',
      tag,
      roles,
      idempotent,
      body: PasswordReset,
      responses: { 202: Accepted },
    },
    async ({ body: { email } }) => {
      needs(config.smtpConfigured, 'mail')
      await mails.passwordReset(email)
      return accepted({ message: 'If the address has an account, a mail is on its way.' })
    },
  )
}
