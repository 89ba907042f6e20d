import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { HostileSystem } from './hostile-system.ts'

type Json = Record<string, unknown>

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part = ''): Json => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json

export const headerOf = (token: string): Json => decode(token.split('.')[0])
export const claimsOf = (token: string): Json => decode(token.split('.')[1])

/** A token signed with RS256, whatever its header says. */
export const signRs256 = (header: Json, claims: Json, key: KeyObject): string => {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${sign('RSA-SHA256', Buffer.from(input), key).toString('base64url')}`
}

/** A token signed with HS256 and any secret. */
export const signHs256 = (header: Json, claims: Json, secret: string | Buffer): string => {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

/** A token with any text as its signature. */
export const withSignature = (header: Json, claims: Json, signature = ''): string =>
  `${encode(header)}.${encode(claims)}.${signature}`

export const newKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 })

/** The realm's published keys (JWKS). */
export const publishedKeys = async (issuer: string): Promise<(Json & { kid: string })[]> => {
  const response = await fetch(`${issuer}/protocol/openid-connect/certs`, { signal: AbortSignal.timeout(10_000) })
  return ((await response.json()) as { keys: (Json & { kid: string })[] }).keys
}

/** The public key that a token is signed with, in PEM. */
export const publicPem = async (issuer: string, token: string): Promise<string> => {
  const jwk = (await publishedKeys(issuer)).find(({ kid }) => kid === headerOf(token)['kid'])
  return createPublicKey({ key: jwk as never, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString()
}

/** Adds a key of the test to the realm. Keycloak publishes it, but signs with its own. */
export const addRealmKey = async ({ realm, issuer }: HostileSystem) => {
  const { privateKey, publicKey } = newKey()
  const { body } = await realm.call<{ id: string }>('GET', '')
  const { location } = await realm.call('POST', '/components', {
    name: 'key-of-the-test',
    providerId: 'rsa',
    providerType: 'org.keycloak.keys.KeyProvider',
    parentId: body.id,
    config: {
      priority: ['0'],
      enabled: ['true'],
      active: ['true'],
      algorithm: ['RS256'],
      privateKey: [privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()],
    },
  })
  const { n } = publicKey.export({ format: 'jwk' })
  const kid = (await publishedKeys(issuer)).find((key) => key['n'] === n)?.kid
  if (kid === undefined) throw new Error('the realm does not publish the key')
  const remove = () => realm.call('DELETE', `/components/${location.split('/').at(-1)}`)
  return { privateKey, kid, remove }
}
