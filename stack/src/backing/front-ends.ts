import { isDeepStrictEqual } from 'node:util'
import { commaList, isOrigin } from '@clientele/platform/runtime/config'
import type { KeycloakAdmin } from './keycloak-admin.ts'

/** What `npm start` allows unless `FRONT_END_ORIGINS` is set: the development servers of the usual tools. */
export const localFrontEnds = [3000, 4200, 5173, 8081].map((port) => `http://localhost:${port}`).join(',')

/** Where a front end may be called back by Keycloak, below its origin. Keycloak compares whole addresses. */
const redirectPaths = ['/', '/callback']

/** The client attribute with the origins that were added here, so that they can be removed. */
const attribute = 'clientele.frontEndOrigins'

type Client = {
  id: string
  redirectUris?: string[]
  webOrigins?: string[]
  attributes?: Record<string, string>
}

/** The origins in `FRONT_END_ORIGINS`. @throws Error naming one that is not an origin */
export const frontEndOriginsOf = (text: string): string[] => {
  const origins = commaList.parse(text)
  const wrong = origins.find((item) => !isOrigin(item))
  if (wrong !== undefined)
    throw new Error(`FRONT_END_ORIGINS: ${wrong} is not an origin such as https://app.example.com, without a path`)
  return [...new Set(origins)]
}

/**
 * Allows front ends to sign in with `clientele-console`: its redirect addresses and web origins get those of `origins`, and
 * lose those of an earlier list. What an owner added in Keycloak stays.
 * @returns what was changed, a line each
 */
export const allowFrontEnds = async ({ call }: KeycloakAdmin, realm: string, origins: string[]): Promise<string[]> => {
  const [client] = ((await call('GET', `/${realm}/clients?clientId=clientele-console`)) as Client[] | undefined) ?? []
  if (!client) return []
  const former = (client.attributes?.[attribute] ?? '').split(' ').filter((origin) => origin !== '')
  if (isDeepStrictEqual(former.toSorted(), origins.toSorted())) return []
  const redirectUrisOf = (list: string[]) => list.flatMap((origin) => redirectPaths.map((path) => `${origin}${path}`))
  const replace = (values: string[] = [], from: string[], to: string[]) => [
    ...new Set([...values.filter((value) => !from.includes(value)), ...to]),
  ]
  await call('PUT', `/${realm}/clients/${client.id}`, {
    ...client,
    redirectUris: replace(client.redirectUris, redirectUrisOf(former), redirectUrisOf(origins)),
    webOrigins: replace(client.webOrigins, former, origins),
    attributes: { ...client.attributes, [attribute]: origins.join(' ') },
  })
  return [`clientele-console: front ends: ${origins.length > 0 ? origins.join(', ') : 'none'}`]
}
