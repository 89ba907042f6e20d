import { createHmac } from 'node:crypto'
import { secondsAgo } from '@clientele/platform/data/database-time'
import type { Db, Tx } from '@clientele/platform/data/db'
import { Problem } from '@clientele/platform/runtime/problem'
import { Op } from 'sequelize'
import type { SignInCounts } from './sign-in-count.model.ts'

/** Failures from one network or device before a lock. */
const maxFailuresPerSource = 5
/** Failures from all unknown devices before a lock. Lower than Keycloak's own limit, for both names of an account together. */
const maxFailuresPerName = 30
const firstLockSeconds = 60
const maxLockSeconds = 900
const resetAfterSeconds = 1_800

/** The source of the row that counts all attempts from unknown devices. */
const allSources = ''

/** `key`: the key of the HMACs. */
type Deps = { db: Db; signInCounts: SignInCounts; key: string }

/** Who tries to sign in with `name`. `deviceId`: a device that has signed in as this user before. */
export type Attempt = { name: string; network: string; deviceId: string | undefined }
/** The rows that count an attempt. `isKnownDevice`: it is counted by its device only. */
type Counted = { nameHash: string; sourceHashes: string[]; isKnownDevice: boolean }

export type SignInLock = { failures: number; lockedUntil: Date | null; lockedSources: number }
export type SignInGuard = ReturnType<typeof createSignInGuard>

/**
 * Locks a name after failed sign-ins: for a minute, then twice as long after each further failure, up to 15 minutes.
 * - Five failures from a network lock the name for that network only. So a stranger cannot keep the user out.
 * - Thirty failures from anywhere lock the name for all unknown devices. That limits guesses from many networks.
 * - A device that has signed in before is counted by itself. Neither lock concerns it.
 * Names without an account are locked as well, so that a lock does not show which accounts exist.
 */
export const createSignInGuard = ({ db, signInCounts, key }: Deps) => {
  const hash = (text: string): string => createHmac('sha256', key).update(text).digest('base64url')
  const hashNames = (names: string[]): string[] => names.map((name) => hash(name.toLowerCase()))

  /** The seconds that a name stays locked for these sources; 0 if it is not locked. */
  const lockSeconds = async (nameHash: string, sourceHashes: string[]): Promise<number> => {
    const [row] = await db.query<{ seconds: number }>(
      `select coalesce(max(ceil(extract(epoch from locked_until - now()))), 0)::int as seconds
       from sign_in_counts where name_hash = $1 and source_hash = any($2) and locked_until > now()`,
      [nameHash, sourceHashes],
      { name: 'sign_in_lock' },
    )
    return row?.seconds ?? 0
  }

  return {
    /** @returns what to count the attempt by @throws Problem 429 `locked`, with `Retry-After` */
    check: async ({ name, network, deviceId }: Attempt): Promise<Counted> => {
      const nameHash = hash(name)
      const device = deviceId === undefined ? [] : [hash(`device ${deviceId}`)]
      // After too many failures a known device counts as an unknown one.
      if (device.length > 0 && (await lockSeconds(nameHash, device)) === 0)
        return { nameHash, sourceHashes: device, isKnownDevice: true }
      const sourceHashes = [allSources, hash(`network ${network}`)]
      const seconds = await lockSeconds(nameHash, sourceHashes)
      if (seconds > 0) throw new Problem('locked', { headers: { 'Retry-After': String(seconds) } })
      return { nameHash, sourceHashes, isKnownDevice: false }
    },

    recordFailure: async ({ nameHash, sourceHashes }: Counted): Promise<void> => {
      await db.query(
        `insert into sign_in_counts as known (name_hash, source_hash, failures, last_at) select $1, unnest($2::text[]), 1, now()
         on conflict (name_hash, source_hash) do update set
           failures = case when known.last_at < now() - make_interval(secs => $3) then 1 else known.failures + 1 end,
           last_at = now(),
           locked_until = case
             when known.last_at < now() - make_interval(secs => $3) then null
             when known.source_hash = '' and known.failures + 1 >= $4
               then now() + make_interval(secs => least($6 * 2 ^ least(known.failures + 1 - $4, 10), $7))
             when known.source_hash <> '' and known.failures + 1 >= $5
               then now() + make_interval(secs => least($6 * 2 ^ least(known.failures + 1 - $5, 10), $7))
             else known.locked_until end`,
        [
          nameHash,
          sourceHashes,
          resetAfterSeconds,
          maxFailuresPerName,
          maxFailuresPerSource,
          firstLockSeconds,
          maxLockSeconds,
        ],
      )
    },

    /** Forgets the failures from the sources of a successful attempt. Those from elsewhere stay. */
    recordSuccess: async ({ nameHash, sourceHashes }: Counted): Promise<void> => {
      await signInCounts.destroy({ where: { nameHash, sourceHash: sourceHashes } })
    },

    /** The failures with these names. `lockedUntil` is the lock of all unknown devices. */
    status: async (names: string[]): Promise<SignInLock> => {
      const rows = await signInCounts.findAll({ where: { nameHash: hashNames(names) }, raw: true })
      const locked = rows.filter(({ lockedUntil }) => lockedUntil !== null && lockedUntil > new Date())
      const byName = locked.filter(({ sourceHash }) => sourceHash === allSources)
      const ends = byName.map(({ lockedUntil }) => lockedUntil?.getTime() ?? 0)
      return {
        failures: rows
          .filter(({ sourceHash }) => sourceHash === allSources)
          .reduce((sum, { failures }) => sum + failures, 0),
        lockedUntil: ends.length === 0 ? null : new Date(Math.max(...ends)),
        lockedSources: locked.length - byName.length,
      }
    },

    /** Forgets all failures with these names. */
    clear: async (names: string[], tx?: Tx): Promise<void> => {
      await signInCounts.destroy({ where: { nameHash: hashNames(names) }, transaction: tx ?? null })
    },

    /** Deletes counts whose last failure was half an hour ago. */
    cleanup: async (): Promise<void> => {
      await signInCounts.destroy({ where: { lastAt: { [Op.lt]: secondsAgo(resetAfterSeconds) } } })
    },
  }
}
