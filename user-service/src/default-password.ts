import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { withTimeout } from '@clientele/platform/runtime/timeout'
import type { Oidc } from './keycloak/oidc.ts'
import { defineWatermarks } from './sync/watermark.model.ts'

/** The demo accounts of the local profile, whose password is published. */
const defaultAccounts = [
  { username: 'admin', password: '12345' },
  { username: 'user', password: '12345' },
]
const watermarkName = 'default-passwords-checked'
const hourMs = 3_600_000
const timeoutMs = 20_000

/**
 * Refuses to start in production while a published password works. All replicas together check once an hour, because each
 * check is a failed sign-in, and several restarts would lock the account.
 * @throws Error that names the account
 */
export const refuseDefaultPasswords = async ({
  db,
  oidc,
  profile,
  log,
}: {
  db: Db
  oidc: Oidc
  profile: string
  log: Log
}): Promise<void> => {
  if (profile === 'local') return
  const due = await db.query<object>(
    `insert into watermarks (name, at) values ($1, $2)
     on conflict (name) do update set at = excluded.at where watermarks.at < excluded.at - $3::bigint returning 1`,
    [watermarkName, Date.now(), hourMs],
  )
  if (due.length === 0) return
  try {
    for (const { username, password } of defaultAccounts) {
      const { outcome } = await withTimeout(timeoutMs, 'Keycloak did not respond', oidc.signIn({ username, password }))
      if (outcome !== 'refused')
        throw new Error(
          `the Keycloak account "${username}" has its published default password: change it or delete the account`,
        )
    }
    log.info('no account has a default password')
  } catch (error) {
    await defineWatermarks(db.sequelize).destroy({ where: { name: watermarkName } })
    throw error
  }
}
