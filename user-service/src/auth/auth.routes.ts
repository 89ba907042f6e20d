import {
  Accepted,
  AuthConfig,
  EmailLinkToken,
  Login,
  PasswordReset,
  RefreshToken,
  SignedIn,
  SignUp,
  Tokens,
} from '@clientele/contracts/user'
import { type Api, accepted, noContent, ok } from '@clientele/platform/http/api'
import { Problem } from '@clientele/platform/runtime/problem'
import type { EmailChangeService } from '../email/email-change.service.ts'
import type { MailQueue } from '../email/mail-queue.ts'
import { clientAddressOf } from './client-network.ts'
import type { SignInService } from './sign-in.service.ts'
import type { SignUpService } from './sign-up.service.ts'

type Flags = { signupEnabled: boolean; passwordLoginEnabled: boolean; smtpConfigured: boolean }
type Deps = {
  config: Flags & { keycloakIssuer: string; consoleClientId: string }
  signIn: SignInService
  signUp: SignUpService
  mailQueue: MailQueue
  emailChange: EmailChangeService
}

const tag = 'Sign-in'
const roles = 'public'
/** No idempotency keys: a stored response would contain tokens, and a stored fingerprint a digest of a password. */
const idempotent = false

const requireEnabled = (enabled: boolean, feature: string): void => {
  if (!enabled) throw new Problem('not_found', { detail: `${feature} is not enabled` })
}

const noStore = { headers: { 'Cache-Control': 'no-store' } }

/** Bodies of people who are not signed in are small: a refresh token is the largest part. */
const maxBodyBytes = 10_000

export const authRoutes = (api: Api, { config, signIn, signUp, mailQueue, emailChange }: Deps): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/auth/config',
      operationId: 'getAuthConfig',
      summary: 'Get the sign-in settings',
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
      summary: 'Sign up',
      description:
        'Creates an account. The response is the same if the e-mail address already has one. Without `username`, or if it is taken, the user gets a generated username. Users can always sign in with the e-mail address. With `createCustomer`, a customer that is linked to the user is created soon after. If sign-up is not enabled, the response is 404.',
      tag,
      roles,
      idempotent,
      body: SignUp,
      maxBodyBytes,
      responses: { 202: Accepted, 404: null },
    },
    async ({ body }) => {
      requireEnabled(config.signupEnabled, 'sign-up')
      await signUp.signUp(body)
      return accepted({
        message: 'If the address had no account, it has one now. Check your mail if you cannot sign in.',
      })
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/login',
      operationId: 'signIn',
      summary: 'Sign in with a password',
      description:
        'Returns tokens to API clients. Browsers use the authorization code flow with PKCE instead. Five failures lock the username for the address that they came from, thirty for all devices that do not send the `deviceToken` of an earlier sign-in: the response is 429 `locked` for a minute, and longer after further failures. If the password is right and the account has a second factor, the response to a request without `totp` is 401 `otp_required`; it does not count as a failure. If password sign-in is not enabled, the response is 404.',
      tag,
      roles,
      idempotent,
      body: Login,
      maxBodyBytes,
      responses: { 200: SignedIn, 401: null, 404: null },
    },
    async ({ body, req }) => {
      requireEnabled(config.passwordLoginEnabled, 'password sign-in')
      return ok(await signIn.signIn(body, clientAddressOf(req)), noStore)
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/refresh',
      operationId: 'refreshTokens',
      summary: 'Refresh the tokens',
      description:
        'Returns new tokens, and replaces the refresh token. If it is sent again within 10 s, for example because the response was lost or by another tab at the same time, the response has the same new tokens. If it is sent again later, the response is 401 and the session ends: the token may have been stolen.',
      tag,
      roles,
      idempotent,
      body: RefreshToken,
      maxBodyBytes,
      responses: { 200: Tokens, 401: null, 404: null },
    },
    async ({ body: { refreshToken } }) => {
      requireEnabled(config.passwordLoginEnabled, 'password sign-in')
      return ok(await signIn.refresh(refreshToken), noStore)
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/logout',
      operationId: 'signOut',
      summary: 'Sign out',
      description:
        'Ends the session that the refresh token belongs to, also if another client of the realm got the token, such as a browser. The response is 204 too if the session has ended already, and 401 `invalid_token` for anything else.',
      tag,
      roles,
      idempotent,
      body: RefreshToken,
      maxBodyBytes,
      responses: { 204: null, 401: null, 404: null },
    },
    async ({ body: { refreshToken } }) => {
      requireEnabled(config.passwordLoginEnabled, 'password sign-in')
      await signIn.signOut(refreshToken)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/password-reset',
      operationId: 'requestPasswordReset',
      summary: 'Request a password reset',
      description:
        'Keycloak mails a link to set a new password, which works for an hour. An address that was changed since the account was created gets one only if it is verified. The response is the same for an unknown address. An address gets at most one mail per minute. If the installation cannot send mail, the response is 404.',
      tag,
      roles,
      idempotent,
      body: PasswordReset,
      maxBodyBytes,
      responses: { 202: Accepted, 404: null },
    },
    async ({ body: { email } }) => {
      requireEnabled(config.smtpConfigured, 'mail')
      await mailQueue.enqueuePasswordReset(email)
      return accepted({ message: 'If the address has an account, it gets a mail.' })
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/email-confirmations',
      operationId: 'confirmEmail',
      summary: 'Confirm a new e-mail address',
      description:
        'Makes the address that a user proposed the address of the account. The token is in the link that was mailed to the address; it works once, for 24 hours.',
      tag,
      roles,
      idempotent,
      body: EmailLinkToken,
      responses: { 204: null, 404: null, 409: null },
    },
    async ({ body: { token } }) => {
      await emailChange.confirm(token)
      return noContent()
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/auth/email-restorations',
      operationId: 'restoreEmail',
      summary: 'Restore a former e-mail address',
      description:
        'Undoes the change of an e-mail address, removes a password and other credentials that were set since, and ends all sessions of the user. If credentials were removed, a link to set a password is mailed. The token is in the link that was mailed to the former address; it works once, for 7 days.',
      tag,
      roles,
      idempotent,
      body: EmailLinkToken,
      responses: { 204: null, 404: null, 409: null },
    },
    async ({ body: { token } }) => {
      await emailChange.restore(token)
      return noContent()
    },
  )
}
