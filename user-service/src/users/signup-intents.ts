import { secondsAgo } from '@clientele/platform/data/database-time'
import type { Tx } from '@clientele/platform/data/db'
import { Op } from 'sequelize'
import type { Person } from '../keycloak/people.ts'
import type { SignupIntents } from './signup-intent.model.ts'

const minuteMs = 60_000
const keptSeconds = 7 * 86_400

/** A user whom a sign-up makes for a moment to learn what Keycloak says of the password; one that stayed is a leftover. */
export const probeName = (username: string, id: string): string => `${username}.signup-probe-${id}`
export const isSignUpProbe = (username: string): boolean => /\.signup-probe-[0-9a-f-]{36}$/.test(username)

/** Records, before Keycloak is asked to create the user, that a customer is wanted. */
export const recordIntent = async (intents: SignupIntents, email: string): Promise<void> => {
  await intents.upsert({ email, createdAt: new Date() })
}

export const dropIntent = async (intents: SignupIntents, email: string): Promise<void> => {
  await intents.destroy({ where: { email } })
}

/** Whether this new user wanted a customer; true once. Wishes of a sign-up that came after the user do not count. */
export const takeIntent = async (intents: SignupIntents, tx: Tx, { email, createdAt }: Person): Promise<boolean> => {
  if (email === null) return false
  const latest = new Date(createdAt.getTime() + minuteMs)
  return (await intents.destroy({ where: { email, createdAt: { [Op.lt]: latest } }, transaction: tx })) > 0
}

/** Removes wishes whose user never came to be. */
export const cleanupIntents = async (intents: SignupIntents): Promise<void> => {
  await intents.destroy({ where: { createdAt: { [Op.lt]: secondsAgo(keptSeconds) } } })
}
