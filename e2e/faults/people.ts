import { realmAdmin } from '@clientele/platform/testing/realm'
import { newPerson, signIn } from '@clientele/platform/testing/tokens'
import type { People } from './writers.ts'

const longClient = 'fault-suite'
const seconds = 4 * 3600

const tokenOf = async (roles: string[]): Promise<string> => {
  const { username, password } = await newPerson(roles)
  return (await signIn(username, password, longClient)).token
}

/** A user and an administrator whose tokens outlast the longest run, Keycloak being away for part of it. */
export const lastingPeople = async (): Promise<People> => {
  const attributes = { 'access.token.lifespan': String(seconds) }
  await realmAdmin().ensureClient(longClient, { audience: 'clientele-api', attributes })
  return { user: await tokenOf(['user']), admin: await tokenOf(['admin']) }
}
