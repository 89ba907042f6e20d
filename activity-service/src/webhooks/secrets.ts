import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'

const prefix = 'whsec_'
const ivBytes = 12
const tagBytes = 16

/** Creates a secret of Standard Webhooks: `whsec_` and 32 random bytes in base64. */
export const newSecret = (): string => prefix + randomBytes(32).toString('base64')

/**
 * Signs a request by Standard Webhooks (https://www.standardwebhooks.com). @param at in seconds since 1970
 * @returns the header `webhook-signature`, with one signature for each secret
 */
export const signatureOf = (secrets: readonly string[], id: string, at: number, body: Buffer): string =>
  secrets
    .map((secret) => createHmac('sha256', Buffer.from(secret.slice(prefix.length), 'base64')))
    .map((hmac) => `v1,${hmac.update(`${id}.${at}.`).update(body).digest('base64')}`)
    .join(' ')

const cipherKey = (key: string): Buffer => Buffer.from(hkdfSync('sha256', key, '', 'secrets of webhooks', 32))

/**
 * Encrypts secrets by AES-256-GCM, because a backup of the database must not be able to sign. The first of `keys` encrypts, and all
 * decrypt. `owner` is the id of the webhook: a secret that is copied to another webhook cannot be decrypted.
 */
export const createSecretBox = (keys: readonly string[]) => {
  const cipherKeys = keys.map(cipherKey)

  const decryptWith = (key: Buffer, sealed: Buffer, owner: string): string | undefined => {
    const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, ivBytes), { authTagLength: tagBytes })
    decipher.setAAD(Buffer.from(owner))
    decipher.setAuthTag(sealed.subarray(ivBytes, ivBytes + tagBytes))
    try {
      return Buffer.concat([decipher.update(sealed.subarray(ivBytes + tagBytes)), decipher.final()]).toString()
    } catch {
      return undefined
    }
  }

  return {
    seal: (secret: string, owner: string): Buffer => {
      const iv = randomBytes(ivBytes)
      const cipher = createCipheriv('aes-256-gcm', cipherKeys[0] ?? Buffer.alloc(0), iv, { authTagLength: tagBytes })
      cipher.setAAD(Buffer.from(owner))
      const encrypted = Buffer.concat([cipher.update(secret), cipher.final()])
      return Buffer.concat([iv, cipher.getAuthTag(), encrypted])
    },
    /** @returns undefined if none of the keys has encrypted it */
    open: (sealed: Buffer, owner: string): string | undefined => {
      for (const key of cipherKeys) {
        const secret = decryptWith(key, sealed, owner)
        if (secret !== undefined) return secret
      }
      return undefined
    },
    /** Whether another key than the first has encrypted it. */
    isOutdated: (sealed: Buffer, owner: string): boolean =>
      cipherKeys[0] === undefined || decryptWith(cipherKeys[0], sealed, owner) === undefined,
  }
}
export type SecretBox = ReturnType<typeof createSecretBox>
