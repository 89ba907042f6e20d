import type { Db, Tx } from '@clientele/platform/data/db'
import type { Person } from '../keycloak/people.ts'

/** A user whom a sign-up makes for a moment to learn what Keycloak says of the password; one that stayed is a leftover. */
export const probeName = (username: string, id: string): string => `${username}.signup-probe-${id}`
export const isSignUpProbe = (username: string): boolean => /\.signup-probe-[0-9a-f-]{36}$/.test(username)

/** Remembers, before Keycloak is asked to create the user, that a customer is wanted. */
export const recordIntent = async (db: Db, email: string): Promise<void> => {
  await db.query(
    `insert into signup_intents (email) values ($1) on conflict (email) do update set created_at = clock_timestamp()`,
    [email],
  )
}

export const dropIntent = async (db: Db, email: string): Promise<void> => {
  await db.query('delete from signup_intents where email = $1', [email])
}

/** Whether this new user wanted a customer; true once. Wishes of a sign-up that came after the user do not count. */
export const takeIntent = async (db: Db, tx: Tx, { email, createdAt }: Person): Promise<boolean> => {
  const taken = await db.query<object>(
    `delete from signup_intents where email = $1 and created_at < $2::timestamptz + interval '1 minute' returning 1`,
    [email, createdAt],
    { tx },
  )
  return taken.length > 0
}

/** Removes wishes whose user never came to be. */
export const forgetOldIntents = async (db: Db): Promise<void> => {
  await db.query(`delete from signup_intents where created_at < now() - interval '7 days'`)
}
