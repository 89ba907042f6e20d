import { realmName } from '../profile/services.ts'
import type { KeycloakAdmin, RealmUser } from './keycloak-admin.ts'

type Role = { id: string; name: string }

const pageSize = 500
/** Pages overlap, because users who are deleted meanwhile shift them. */
const pageStep = 450
const concurrency = 4
/** Passes over all users: another one while the last found new users. */
const maxPasses = 3
/** The service account of user-service needs no role of the product. */
const ownAccount = 'service-account-clientele-user-service'

/** Reads a list of the Admin API page by page. */
async function* pagesOf<T>({ call }: KeycloakAdmin, path: string): AsyncGenerator<T[]> {
  for (let first = 0; ; first += pageStep) {
    const page = ((await call('GET', `${path}?first=${first}&max=${pageSize}`)) ?? []) as T[]
    if (page.length > 0) yield page
    if (page.length < pageSize) return
  }
}

/** The ids of the users and service accounts to whom a role is granted directly. */
const usersWith = async (admin: KeycloakAdmin, realm: string, role: string): Promise<Set<string>> => {
  const ids = new Set<string>()
  for await (const page of pagesOf<RealmUser>(admin, `/${realm}/roles/${role}/users`))
    for (const { id, username } of page) if (username !== ownAccount) ids.add(id)
  return ids
}

/**
 * Takes a role out of the realm's default role, which every new account has. Before, the users and service accounts who have
 * the role only by the default role get it directly, so that nobody loses it. It can be interrupted and repeated; once it is
 * done, it does nothing.
 * @returns how many accounts got the role directly, or undefined if the default role did not include it
 */
export const removeFromDefaultRole = async (
  admin: KeycloakAdmin,
  realm: string = realmName,
  roleName = 'user',
): Promise<number | undefined> => {
  const { defaultRole: found } = (await admin.call('GET', `/${realm}`)) as { defaultRole: Role }
  const defaultRole = found.name
  const composites = `/${realm}/roles/${defaultRole}/composites`
  const role = (((await admin.call('GET', composites)) ?? []) as Role[]).find(({ name }) => name === roleName)
  if (!role) return undefined

  const grantMissing = async (): Promise<number> => {
    const direct = await usersWith(admin, realm, roleName)
    const byDefault = await usersWith(admin, realm, defaultRole)
    const missing = [...byDefault].filter((id) => !direct.has(id))
    const waiting = missing.values()
    const work = async () => {
      for (const id of waiting) await admin.call('POST', `/${realm}/users/${id}/role-mappings/realm`, [role])
    }
    await Promise.all(Array.from({ length: concurrency }, work))
    return missing.length
  }

  let total = 0
  for (let pass = 0; pass < maxPasses; pass += 1) {
    const granted = await grantMissing()
    total += granted
    if (granted === 0) break
  }
  await admin.call('DELETE', composites, [role])
  return total
}
