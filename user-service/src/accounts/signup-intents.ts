import { secondsAgo } from '@clientele/platform/data/database-time'
import type { Tx } from '@clientele/platform/data/db'
import { Op } from 'sequelize'
import type { KeycloakUser } from '../keycloak/keycloak-users.ts'
import type { SignupIntents } from './signup-intent.model.ts'

const minuteMs = 60_000
const retentionSeconds = 7 * 86_400

/** The username of a probe: a user that a sign-up creates for a moment, so that Keycloak checks the password. */
export const probeUsername = (username: string, id: string): string => `${username}.signup-probe-${id}`
/** True for a probe. One that a crash left in Keycloak is removed by the next sync. */
export const isSignUpProbe = (username: string): boolean => /\.signup-probe-[0-9a-f-]{36}$/.test(username)

/** Records that the user asked for a customer. Call it before Keycloak creates the user, so that a crash does not lose it. */
export const recordIntent = async (intents: SignupIntents, email: string): Promise<void> => {
  await intents.upsert({ email, createdAt: new Date() })
}

export const deleteIntent = async (intents: SignupIntents, email: string): Promise<void> => {
  await intents.destroy({ where: { email } })
}

/** Deletes the intent of a new user. @returns whether there was one that is not a minute younger than the user */
export const consumeIntent = async (
  intents: SignupIntents,
  tx: Tx,
  { email, createdAt }: KeycloakUser,
): Promise<boolean> => {
  if (email === null) return false
  const latest = new Date(createdAt.getTime() + minuteMs)
  return (await intents.destroy({ where: { email, createdAt: { [Op.lt]: latest } }, transaction: tx })) > 0
}

/** Deletes intents whose user was not created within a week. */
export const cleanupIntents = async (intents: SignupIntents): Promise<void> => {
  await intents.destroy({ where: { createdAt: { [Op.lt]: secondsAgo(retentionSeconds) } } })
}
