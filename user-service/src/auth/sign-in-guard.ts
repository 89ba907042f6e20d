import { createHmac } from 'node:crypto'
import { secondsAgo } from '@clientele/platform/data/database-time'
import type { Db } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import { Op } from 'sequelize'
import type { SignInFailures } from './sign-in-failure.model.ts'

/** After so many failures under one name, fewer than the realm allows, so that the answer can say so. */
const maxFailures = 5
const firstLockSeconds = 60
const maxLockSeconds = 900
const forgottenAfterSeconds = 1_800
/** Keycloak locks an account for a minute on two failures as close as this. */
const quickMs = 500

/** `key` is that of the hashed names. */
type Deps = { db: Db; signInFailures: SignInFailures; key: string }

export type SignInGuard = ReturnType<typeof createSignInGuard>

/**
 * Counts failed sign-ins by the name that was typed. Keycloak gives the same answer for a locked account as for a wrong
 * password, and saying "locked" only for accounts would tell which names exist; so names are counted here, known or not.
 */
export const createSignInGuard = ({ db, signInFailures, key }: Deps) => {
  const hash = (name: string): string => createHmac('sha256', key).update(name.trim().toLowerCase()).digest('base64url')

  return {
    /** @throws Problem 429 `locked` */
    check: async (name: string): Promise<void> => {
      const [row] = await db.query<{ seconds: number }>(
        `select ceil(extract(epoch from locked_until - now()))::int as seconds from sign_in_failures where name_hash = $1 and locked_until > now()`,
        [hash(name)],
        { name: 'sign_in_locked' },
      )
      if (row) throw new Problem('locked', { headers: { 'Retry-After': String(row.seconds) } })
    },

    failed: async (name: string): Promise<void> => {
      await db.query(
        `insert into sign_in_failures as known (name_hash, failures, last_at) values ($1, 1, now())
         on conflict (name_hash) do update set
           failures = case when known.last_at < now() - make_interval(secs => $2) then 1 else known.failures + 1 end,
           last_at = now(),
           locked_until = case
             when known.last_at < now() - make_interval(secs => $2) then null
             when known.failures + 1 >= $3 then now() + make_interval(secs => least($4 * 2 ^ (known.failures + 1 - $3), $5))
             when known.last_at > now() - make_interval(secs => $6) then now() + make_interval(secs => $4)
             else known.locked_until end`,
        [hash(name), forgottenAfterSeconds, maxFailures, firstLockSeconds, maxLockSeconds, quickMs / 1000],
      )
    },

    succeeded: async (name: string): Promise<void> => {
      await signInFailures.destroy({ where: { nameHash: hash(name) } })
    },

    cleanup: async (): Promise<void> => {
      await signInFailures.destroy({ where: { lastAt: { [Op.lt]: secondsAgo(forgottenAfterSeconds) } } })
    },
  }
}
