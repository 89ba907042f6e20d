import { setTimeout as sleep } from 'node:timers/promises'
import type { Tokens } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'

/** Claims of a token of Keycloak. Its signature is not verified: only for tokens that Keycloak has just issued or accepted. */
type TokenClaims = { sub: string; sid: string; iat: number; roles: string[] }

const claimsOf = (token: string): TokenClaims => {
  const claims: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
  const { sub, sid, iat, realm_access: access } = claims as Record<string, unknown>
  const roles = (access as { roles?: string[] } | undefined)?.roles
  return { sub: String(sub ?? ''), sid: String(sid ?? ''), iat: Number(iat), roles: roles ?? [] }
}

/** Beyond the second, for a clock of Keycloak that is a little behind. */
const marginMs = 50
const maxWaitMs = 6_000

/**
 * Whoever gets access again in the second in which they lost it would be given a token that counts as old, because its `iat` has
 * whole seconds. Such tokens are replaced by those of the next second. The session must be new or have been kept.
 */
export const createFreshTokens = ({ db, refresh }: { db: Db; refresh(refreshToken: string): Promise<Tokens> }) => {
  /** The last second whose tokens are refused, if the token is one of them. */
  const refusedUntil = async ({ sub, sid, iat, roles }: TokenClaims): Promise<number | undefined> => {
    const [row] = await db.query<{ until: number | null }>(
      `select extract(epoch from date_trunc('second', max(not_before)))::float as until from (
         select not_before from revocations
           where user_id = $1 and not (kept_for = not_before and $2 = any(kept_sessions))
         union all
         select not_before from partial_revocations where key in (select 'role:' || role || ':' || $1 from unnest($3::text[]) as role)
       ) as rows`,
      [sub, sid, roles],
    )
    const until = row?.until ?? undefined
    return until !== undefined && iat <= until ? until : undefined
  }

  return async (tokens: Tokens): Promise<Tokens> => {
    const claims = claimsOf(tokens.accessToken)
    const until = await refusedUntil(claims)
    if (until === undefined) return tokens
    const waitMs = (until + 1) * 1_000 - Date.now() + marginMs
    await sleep(Math.min(Math.max(waitMs, marginMs), maxWaitMs))
    return refresh(tokens.refreshToken)
  }
}
export type FreshTokens = ReturnType<typeof createFreshTokens>
