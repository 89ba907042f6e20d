import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { counter } from '@clientele/platform/runtime/telemetry'
import type { People, Person as WholePerson } from '../keycloak/people.ts'
import { isSignUpProbe } from '../users/signup-intents.ts'
import { displayNameOf } from '../users/user.presenter.ts'
import type { UserSync } from '../users/user-sync.ts'
import { inParallel } from './in-parallel.ts'
import type { RoleCheck } from './role-check.ts'

type Deps = { db: Db; people: People; sync: UserSync; roleCheck: RoleCheck; log: Log }
type Person = Omit<WholePerson, 'notBefore'>
type Known = Omit<Person, 'createdAt'> & { displayName: string; deleted: boolean }

const pageSize = 500
/** Pages overlap: users who come and go shift the following pages. */
const step = 450
const parallel = 2

const isSame = (known: Known, person: Person): boolean =>
  !known.deleted &&
  known.username === person.username &&
  known.email === person.email &&
  known.emailVerified === person.emailVerified &&
  known.name === person.name &&
  known.surname === person.surname &&
  known.displayName === displayNameOf(person) &&
  known.enabled === person.enabled

/**
 * The net below the events: journals that were switched off, cleared or expired, imports, restored backups. Compares every
 * user of Keycloak with the projection by pages; only those that differ are read one by one.
 */
export const createReconciliation = ({ db, people, sync, roleCheck, log }: Deps) => {
  const actor = actorRef(systemActor('user-service'))
  const repaired = counter('reconciled_users_total', 'People whom a sweep found to differ from Keycloak', ['outcome'])
  for (const outcome of ['done', 'failed']) repaired.inc({ outcome }, 0)

  const differing = async (page: Person[]): Promise<string[]> => {
    const rows = await db.query<Known>(
      `select id, username, email, email_verified as "emailVerified", name, surname, display_name as "displayName", enabled,
         deleted_at is not null as deleted from users where id = any($1)`,
      [page.map(({ id }) => id)],
    )
    const known = new Map(rows.map((row) => [row.id, row]))
    return page
      .filter((person) => {
        const row = known.get(person.id)
        return isSignUpProbe(person.username) || !row || !isSame(row, person)
      })
      .map(({ id }) => id)
  }

  const repair = async (ids: string[]): Promise<void> => {
    const faults = await inParallel(ids, parallel, (id) => sync.sync(id, actor))
    repaired.inc({ outcome: 'done' }, ids.length - faults.length)
    repaired.inc({ outcome: 'failed' }, faults.length)
    if (faults[0]) log.warn({ err: faults[0].error, users: faults.length }, 'users were not reconciled')
    if (ids.length > faults.length) log.info({ users: ids.length - faults.length }, 'users reconciled')
  }

  /** Rows of the projection that no page had; Keycloak is asked for each before it is buried. */
  const repairGone = async (present: Set<string>, signal: AbortSignal): Promise<void> => {
    for (let after = ''; !signal.aborted; ) {
      const rows = await db.query<{ id: string }>(
        'select id from users where id > $1 and deleted_at is null order by id limit $2',
        [after, pageSize],
      )
      const gone = rows.map(({ id }) => id).filter((id) => !present.has(id))
      if (gone.length > 0) await repair(gone)
      after = rows.at(-1)?.id ?? after
      if (rows.length < pageSize) return
    }
  }

  return {
    sweep: async (signal: AbortSignal): Promise<void> => {
      const present = new Set<string>()
      for (let first = 0; !signal.aborted; first += step) {
        const page = await people.page(first, pageSize)
        for (const { id } of page) present.add(id)
        const ids = await differing(page)
        if (ids.length > 0) await repair(ids)
        if (page.length === 0) break
      }
      if (signal.aborted) return
      await repairGone(present, signal)
      await roleCheck.oldestAgain()
    },
  }
}
