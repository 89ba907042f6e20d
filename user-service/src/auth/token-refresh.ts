import { createCipheriv, createDecipheriv, createHmac, hkdfSync, randomBytes } from 'node:crypto'
import { setTimeout } from 'node:timers/promises'
import type { Tokens } from '@clientele/contracts/user'
import { databaseTime, secondsFromNow } from '@clientele/platform/data/database-time'
import type { Db } from '@clientele/platform/data/db'
import { currentLog } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { Op } from 'sequelize'
import type { Oidc } from '../keycloak/oidc.ts'
import type { TokenRefreshes } from './token-refresh.model.ts'

/** How long a repeated refresh gets the same tokens. */
const repeatableSeconds = 10
/** Longer than Keycloak may take to respond. If the process stops meanwhile, the token can be claimed again after this time. */
const claimSeconds = 10
const pollMs = 50
const ivBytes = 12
const tagBytes = 16

/** `key`: the key of the HMAC of refresh tokens. */
type Deps = { db: Db; tokenRefreshes: TokenRefreshes; oidc: Pick<Oidc, 'refresh'>; key: string }

/** Only who has the refresh token can derive the key: the table alone reveals no tokens. */
const encryptionKey = (refreshToken: string): Buffer =>
  Buffer.from(hkdfSync('sha256', refreshToken, '', 'clientele: response to a refresh', 32))

const encrypt = (tokens: Tokens, refreshToken: string): string => {
  const iv = randomBytes(ivBytes)
  const cipher = createCipheriv('aes-256-gcm', encryptionKey(refreshToken), iv)
  const text = Buffer.concat([cipher.update(JSON.stringify(tokens), 'utf8'), cipher.final()])
  return Buffer.concat([iv, cipher.getAuthTag(), text]).toString('base64')
}

const decrypt = (stored: string, refreshToken: string): Tokens => {
  const bytes = Buffer.from(stored, 'base64')
  const decipher = createDecipheriv('aes-256-gcm', encryptionKey(refreshToken), bytes.subarray(0, ivBytes))
  decipher.setAuthTag(bytes.subarray(ivBytes, ivBytes + tagBytes))
  const text = Buffer.concat([decipher.update(bytes.subarray(ivBytes + tagBytes)), decipher.final()])
  return JSON.parse(text.toString('utf8')) as Tokens
}

export type TokenRefresh = ReturnType<typeof createTokenRefresh>

/**
 * Refreshes tokens. Keycloak takes a refresh token once, and ends the session when it comes again. But two tabs may refresh at
 * once, and a client whose response was lost repeats the request: within ten seconds they get the same new tokens, from any
 * replica. A row per refresh token makes one call ask Keycloak and the others wait for its response.
 */
export const createTokenRefresh = ({ db, tokenRefreshes, oidc, key }: Deps) => {
  const hash = (refreshToken: string): string => createHmac('sha256', key).update(refreshToken).digest('base64url')

  /** Returns false if the token was claimed before, and that claim or its response has not expired. */
  const claim = async (tokenHash: string): Promise<boolean> => {
    const rows = await db.query(
      `insert into token_refreshes as known (token_hash, expires_at) values ($1, now() + make_interval(secs => $2))
       on conflict (token_hash) do update set tokens = null, expires_at = excluded.expires_at where known.expires_at <= now()
       returning token_hash`,
      [tokenHash, claimSeconds],
      { name: 'claim_token_refresh' },
    )
    return rows.length > 0
  }

  const askKeycloak = async (tokenHash: string, refreshToken: string): Promise<Tokens> => {
    const where = { tokenHash }
    const tokens = await oidc.refresh(refreshToken).catch(async (error: unknown) => {
      await tokenRefreshes.destroy({ where })
      throw error
    })
    await tokenRefreshes
      .update({ tokens: encrypt(tokens, refreshToken), expiresAt: secondsFromNow(repeatableSeconds) }, { where })
      // Keycloak has replaced the old token, so the new ones must reach the client.
      .catch((error: unknown) => currentLog().warn({ err: error }, 'a refresh cannot be repeated'))
    return tokens
  }

  return {
    /** @throws Problem 401 `invalid_token`; 503 when Keycloak is unavailable */
    refresh: async (refreshToken: string): Promise<Tokens> => {
      const tokenHash = hash(refreshToken)
      const giveUpAt = performance.now() + claimSeconds * 1_000
      while (performance.now() < giveUpAt) {
        if (await claim(tokenHash)) return askKeycloak(tokenHash, refreshToken)
        const row = await tokenRefreshes.findByPk(tokenHash, { raw: true })
        if (row?.tokens) return decrypt(row.tokens, refreshToken)
        await setTimeout(pollMs)
      }
      throw new Problem('unavailable', { detail: 'another refresh is in progress', headers: { 'Retry-After': '1' } })
    },

    /** Deletes responses that have expired. */
    cleanup: async (): Promise<void> => {
      await tokenRefreshes.destroy({ where: { expiresAt: { [Op.lt]: databaseTime() } } })
    },
  }
}
