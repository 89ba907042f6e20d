import { createHmac, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import type { HostileSystem } from './hostile-system.ts'

type Json = Record<string, unknown>

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')
const decode = (part = ''): Json => JSON.parse(Buffer.from(part, 'base64url').toString()) as Json

export const headerOf = (token: string): Json => decode(token.split('.')[0])
export const claimsOf = (token: string): Json => decode(token.split('.')[1])

/** A token signed by RS256, whatever its header says. */
export const signed = (header: Json, claims: Json, key: KeyObject): string => {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${sign('RSA-SHA256', Buffer.from(input), key).toString('base64url')}`
}

/** A token "signed" by HMAC with any text as its secret. */
export const hmacSigned = (header: Json, claims: Json, secret: string | Buffer): string => {
  const input = `${encode(header)}.${encode(claims)}`
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`
}

export const unsigned = (header: Json, claims: Json, signature = ''): string =>
  `${encode(header)}.${encode(claims)}.${signature}`

export const newKey = () => generateKeyPairSync('rsa', { modulusLength: 2048 })

/** The realm's published keys. */
export const publishedKeys = async (issuer: string): Promise<(Json & { kid: string })[]> => {
  const response = await fetch(`${issuer}/protocol/openid-connect/certs`, { signal: AbortSignal.timeout(10_000) })
  return ((await response.json()) as { keys: (Json & { kid: string })[] }).keys
}

/** The public key of a token's signer, as people paste it into configurations. */
export const publicPem = async (issuer: string, token: string): Promise<string> => {
  const jwk = (await publishedKeys(issuer)).find(({ kid }) => kid === headerOf(token)['kid'])
  return createPublicKey({ key: jwk as never, format: 'jwk' })
    .export({ type: 'spki', format: 'pem' })
    .toString()
}

/** Makes the realm publish a key that the test holds; Keycloak goes on signing with its own. */
export const holdRealmKey = async ({ realm, issuer }: HostileSystem) => {
  const { privateKey, publicKey } = newKey()
  const { body } = await realm.call<{ id: string }>('GET', '')
  const { location } = await realm.call('POST', '/components', {
    name: 'held-by-the-test',
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
