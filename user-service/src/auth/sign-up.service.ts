import { randomUUID } from 'node:crypto'
import { normaliseEmail } from '@clientele/contracts/email'
import type { Role, SignUp } from '@clientele/contracts/user'
import { currentLog } from '@clientele/platform/runtime/log'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { AccountCreation } from '../accounts/account-creation.ts'
import { generateUsername } from '../accounts/generated-username.ts'
import type { SignupIntents } from '../accounts/signup-intent.model.ts'
import { deleteIntent, probeUsername, recordIntent } from '../accounts/signup-intents.ts'
import type { EmailLinks } from '../email/email-links.ts'
import type { MailQueue } from '../email/mail-queue.ts'
import type { KeycloakUsers } from '../keycloak/keycloak-users.ts'
import { displayNameOf } from '../users/user.presenter.ts'
import type { UserSync } from '../users/user-sync.ts'

type SignUpConfig = { signUpRole: 'user' | 'none'; verifyEmail: boolean; smtpConfigured: boolean }
type Deps = {
  signupIntents: SignupIntents
  keycloakUsers: KeycloakUsers
  accountCreation: AccountCreation
  sync: UserSync
  mailQueue: MailQueue
  emailLinks: EmailLinks
  config: SignUpConfig
  minDurationMs?: number
}

export type SignUpService = ReturnType<typeof createSignUpService>

const equalsOwnName = (password: string, email: string, username: string | undefined): boolean =>
  [email, username].includes(password.toLowerCase())

const weakPassword = (message: string): Problem =>
  new Problem('weak_password', { detail: message, errors: [{ pointer: '/password', code: 'weak_password', message }] })

const isDuplicate = (error: unknown, pointer?: string): boolean =>
  error instanceof Problem &&
  error.code === 'duplicate' &&
  (pointer === undefined || error.options.errors?.[0]?.pointer === pointer)

/**
 * Signs users up without showing which e-mail addresses have an account: the response to a taken address has the same content
 * and takes about the same time (at least `minDurationMs`). For a taken address a probe is created in Keycloak and removed
 * again: a disabled user with the same password, so that a weak password is refused in both cases.
 *
 * An e-mail address never becomes the username: the username would keep it from its next owner.
 */
export const createSignUpService = ({
  signupIntents,
  keycloakUsers,
  accountCreation,
  sync,
  mailQueue,
  emailLinks,
  config,
  minDurationMs = 600,
}: Deps) => {
  const roles: Role[] = config.signUpRole === 'none' ? [] : [config.signUpRole]

  const create = async (input: SignUp, username: string): Promise<void> => {
    const { email, name, surname, password } = input
    const verifyEmail = config.verifyEmail && config.smtpConfigured
    const requiredActions = verifyEmail ? { requiredActions: ['VERIFY_EMAIL'] } : {}
    if (input.createCustomer) await recordIntent(signupIntents, email)
    try {
      const fields = { username, email, name, surname, password, enabled: true, ...requiredActions }
      await accountCreation.create(fields, roles, async (tx, id) => {
        await sync.syncLocked(tx, id, { id, displayName: displayNameOf({ id, name, surname, username }) })
        await mailQueue.enqueueVerification(id, tx)
      })
    } catch (error) {
      // After another error the user may exist in Keycloak. Then the event poller creates the row and needs the intent.
      if (error instanceof Problem && error.status < 500) await deleteIntent(signupIntents, email)
      throw error
    }
  }

  /** Does the same as `create`, but the account is never enabled, and removed at the end. */
  const probe = async ({ username: wanted = 'user', name, surname, password }: SignUp): Promise<void> => {
    const username = probeUsername(wanted, randomUUID())
    const email = `${randomUUID()}@invalid.example`
    const fields = { username, email, name, surname, password, enabled: false }
    await accountCreation.create(fields, roles, async (_tx, id) => {
      await keycloakUsers.roles(id)
      await keycloakUsers.delete(id)
    })
  }

  const createOrProbe = async (input: SignUp, username: string): Promise<void> => {
    try {
      await create(input, username)
    } catch (error) {
      if (!isDuplicate(error)) throw error
      // Another sign-up took the username a moment ago.
      if (username === input.username && isDuplicate(error, '/username')) await createOrProbe(input, generateUsername())
      else await probe(input)
    }
  }

  const signUp = async (input: SignUp): Promise<void> => {
    const { email, password } = input
    const isOwnAddress = input.username !== undefined && normaliseEmail(input.username) === email
    const username = isOwnAddress ? undefined : input.username
    if (username?.includes('@')) throw fieldProblem('/username', 'not_own', 'must not be another e-mail address')
    if (equalsOwnName(password, email, username))
      throw weakPassword('must not be equal to the username or the e-mail address')
    await accountCreation.removeInterrupted({ username, email })
    const [reserved, byEmail, asUsername, sameUsername] = await Promise.all([
      emailLinks.isReserved(email),
      keycloakUsers.byEmail(email),
      keycloakUsers.byUsername(email),
      username === undefined ? undefined : keycloakUsers.byUsername(username),
    ])
    if (reserved || byEmail || asUsername) return probe(input)
    // A taken username must not show either.
    await createOrProbe(input, username === undefined || sameUsername ? generateUsername() : username)
  }

  return {
    signUp: async (input: SignUp): Promise<void> => {
      const started = Date.now()
      try {
        await signUp(input)
      } finally {
        const remaining = started + minDurationMs - Date.now()
        if (remaining < 0) currentLog().debug({ ms: -remaining }, 'sign-up took longer than its minimum duration')
        else await new Promise((resolve) => setTimeout(resolve, remaining))
      }
    },
  }
}
