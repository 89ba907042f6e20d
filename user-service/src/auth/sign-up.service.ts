import { randomUUID } from 'node:crypto'
import type { SignUp } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'
import { currentLog } from '@clientele/platform/runtime/log'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { People } from '../keycloak/people.ts'
import type { SignupIntents } from '../users/signup-intent.model.ts'
import { dropIntent, probeName, recordIntent } from '../users/signup-intents.ts'
import type { UserSync } from '../users/user-sync.ts'
import type { MailQueue } from './mail-queue.ts'

type SignUpConfig = { signupDefaultRole: 'user' | 'none'; verifyEmail: boolean; smtpConfigured: boolean }
type Deps = {
  db: Db
  signupIntents: SignupIntents
  people: People
  sync: UserSync
  mails: MailQueue
  config: SignUpConfig
  answerAfterMs?: number
}

export type SignUpService = ReturnType<typeof createSignUpService>

const ownPassword = (password: string, email: string, username: string | undefined): boolean =>
  [email, username].includes(password.toLowerCase())

const weakPassword = (message: string): Problem =>
  new Problem('weak_password', { detail: message, errors: [{ pointer: '/password', code: 'weak_password', message }] })

/**
 * Sign-up that does not tell who has an account: the answer is the same for a taken address, in words and, as far as it
 * can be, in time. Where the address is taken the same password is shown to Keycloak under a name that is removed again,
 * so that a weak password is refused in either case.
 */
export const createSignUpService = ({ db, signupIntents, people, sync, mails, config, answerAfterMs = 600 }: Deps) => {
  const create = async (input: SignUp, username: string): Promise<void> => {
    const { email, name, surname, password } = input
    const verify = config.verifyEmail && config.smtpConfigured
    if (input.createCustomer) await recordIntent(signupIntents, email)
    try {
      await db.transaction(async (tx) => {
        await sync.lockAddress(tx, email)
        const id = await people.create({
          username,
          email,
          name,
          surname,
          password,
          ...(verify && { requiredActions: ['VERIFY_EMAIL'] }),
        })
        await sync.lock(tx, id)
        if (config.signupDefaultRole === 'none')
          await people.setRoles(id, []).catch(async (error: unknown) => {
            await people.remove(id)
            throw error
          })
        await sync.syncLocked(tx, id, { id, displayName: [name, surname].filter(Boolean).join(' ') || username })
        await mails.verification(id, tx)
      })
    } catch (error) {
      // After another fault the user may exist, and the poller will find the wish.
      if (error instanceof Problem && error.status < 500) await dropIntent(signupIntents, email)
      throw error
    }
  }

  const pretend = async ({ username, name, surname, password }: SignUp): Promise<void> => {
    await db.transaction(async (tx) => {
      const email = `${randomUUID()}@invalid.example`
      await sync.lockAddress(tx, email)
      const id = await people.create({
        username: probeName(username ?? 'person', randomUUID()),
        email,
        name,
        surname,
        password,
        enabled: false,
      })
      await people.remove(id)
    })
  }

  const signUp = async (input: SignUp): Promise<void> => {
    const { email, username, password } = input
    if (username?.includes('@') && username !== email)
      throw fieldProblem('/username', 'not_own', 'must not be another e-mail address')
    if (ownPassword(password, email, username))
      throw weakPassword('must not be equal to the username or the e-mail address')
    const [byEmail, byName, sameName] = await Promise.all([
      people.byEmail(email),
      people.byUsername(email),
      people.byUsername(username ?? email),
    ])
    if (byEmail || byName) return pretend(input)
    // A taken username is no reason to say who has it: the e-mail address serves as one.
    await create(input, username === undefined || sameName ? email : username).catch((error: unknown) => {
      if (error instanceof Problem && error.code === 'duplicate') return pretend(input)
      throw error
    })
  }

  return {
    signUp: async (input: SignUp): Promise<void> => {
      const started = Date.now()
      try {
        await signUp(input)
      } finally {
        const left = started + answerAfterMs - Date.now()
        if (left < 0) currentLog().debug({ ms: -left }, 'sign-up took longer than its answer should')
        else await new Promise((resolve) => setTimeout(resolve, left))
      }
    },
  }
}
