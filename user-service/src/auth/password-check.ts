import { setTimeout } from 'node:timers/promises'
import type { Login } from '@clientele/contracts/user'
import { currentLog } from '@clientele/platform/runtime/log'
import { Op } from 'sequelize'
import type { KeycloakLocks } from '../keycloak/keycloak-locks.ts'
import type { Oidc, PasswordResult } from '../keycloak/oidc.ts'
import type { SignInErrors } from '../keycloak/sign-in-errors.ts'
import type { Users } from '../users/user.model.ts'
import type { KnownDevice } from './known-devices.ts'
import type { RecentSignIns } from './recent-sign-ins.ts'

const maxRetries = 3
const retryAfterMs = 250
/** Keycloak counts a failure within some milliseconds after its response. */
const countedAfterMs = 400
const nobody = '00000000-0000-4000-8000-000000000000'

type Deps = {
  users: Users
  oidc: Pick<Oidc, 'signIn'>
  signInErrors: SignInErrors
  keycloakLocks: KeycloakLocks
  recentSignIns: RecentSignIns
}
/** `code_required`: the password is right, and the account has a second factor whose code was not sent. */
export type CheckedPassword = PasswordResult | { outcome: 'code_required' }

/** Has Keycloak check a password, and finds out why it refused one where that makes a difference. */
export const createPasswordCheck = ({ users, oidc, signInErrors, keycloakLocks, recentSignIns }: Deps) => {
  /**
   * Asks Keycloak, and again if it did not look at the password. Keycloak refuses any sign-in while it still records the
   * last one of the account, which it does after its response: so a right password is refused right after a sign-in. Its log
   * tells that from a wrong password, which must be counted once and is not sent again. The log is asked only after a recent
   * sign-in, so that a refusal takes as long for an account as for a name without one. It is asked for a known device, too:
   * strangers may have locked the account in Keycloak, and that lock must not keep the device out.
   */
  const askKeycloak = async (
    credentials: Login,
    name: string,
    address: string | undefined,
    device: KnownDevice | undefined,
  ): Promise<PasswordResult> => {
    const userId = device?.userId ?? recentSignIns.userIdOf(name)
    for (let attempt = 0; ; attempt += 1) {
      const result = await oidc.signIn(credentials, address)
      if (result.outcome !== 'refused' || userId === undefined || attempt >= maxRetries) return result
      if (!(await signInErrors.wasPasswordIgnored(userId))) return result
      if (device) await keycloakLocks.lift(userId)
      await setTimeout(retryAfterMs)
    }
  }

  const findUserId = async (name: string): Promise<string> => {
    const names = { [Op.or]: [{ username: name }, { email: name }] }
    const row = await users.findOne({ attributes: ['id'], where: { deletedAt: null, ...names }, raw: true })
    return row?.id ?? nobody
  }

  /** How often the password was right but the code was not, as Keycloak counts it. */
  const codeFailures = async (userId: string): Promise<number | undefined> => {
    try {
      return (await keycloakLocks.status(userId)).codeFailures
    } catch (error) {
      currentLog().warn({ err: error }, 'failures of second factors cannot be read')
      return undefined
    }
  }

  /**
   * Keycloak's response to a missing code is that to a wrong password, but it counts the two apart: a missing code means that
   * the password was right. The count is read before the attempt and after it, in the same way and at the same pace for names
   * without an account, so that the time of a refusal tells nothing.
   */
  const checkWithoutCode = async (
    credentials: Login,
    name: string,
    address: string | undefined,
    device: KnownDevice | undefined,
  ): Promise<CheckedPassword> => {
    const userId = await findUserId(name)
    const before = await codeFailures(userId)
    const result = await askKeycloak(credentials, name, address, device)
    if (result.outcome !== 'refused') return result
    await setTimeout(countedAfterMs)
    const after = await codeFailures(userId)
    const isCodeMissing = before !== undefined && after !== undefined && after > before
    return isCodeMissing ? { outcome: 'code_required' } : result
  }

  return {
    /** `name`: the username as it is counted. @throws Problem 503 when Keycloak is unavailable */
    check: (credentials: Login, name: string, address?: string, device?: KnownDevice): Promise<CheckedPassword> =>
      credentials.totp === undefined
        ? checkWithoutCode(credentials, name, address, device)
        : askKeycloak(credentials, name, address, device),
  }
}
export type PasswordCheck = ReturnType<typeof createPasswordCheck>
