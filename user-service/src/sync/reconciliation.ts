import { actorRef, systemActor } from '@clientele/platform/auth/token-verifier'
import type { Log } from '@clientele/platform/runtime/log'
import { counter } from '@clientele/platform/runtime/telemetry'
import { Op } from 'sequelize'
import type { People, Person as WholePerson } from '../keycloak/people.ts'
import type { Models } from '../models.ts'
import { isSignUpProbe } from '../users/signup-intents.ts'
import type { UserModel } from '../users/user.model.ts'
import { profileOf } from '../users/user.presenter.ts'
import type { UserSync } from '../users/user-sync.ts'
import { inParallel } from './in-parallel.ts'
import type { RoleCheck } from './role-check.ts'

type Deps = { models: Models; people: People; sync: UserSync; roleCheck: RoleCheck; log: Log }
type Person = Omit<WholePerson, 'notBefore'>

const pageSize = 500
/** Pages overlap: users who come and go shift the following pages. */
const step = 450
const parallel = 2

const isSame = (known: UserModel, person: Person): boolean => {
  const expected = { ...profileOf(person), enabled: person.enabled, deletedAt: null }
  return (Object.keys(expected) as (keyof typeof expected)[]).every((name) => known[name] === expected[name])
}

/**
 * The net below the events: journals that were switched off, cleared or expired, imports, restored backups. Compares every
 * user of Keycloak with the projection by pages; only those that differ are read one by one.
 */
export const createReconciliation = ({ models: { users }, people, sync, roleCheck, log }: Deps) => {
  const actor = actorRef(systemActor('user-service'))
  const repaired = counter('reconciled_users_total', 'People whom a sweep found to differ from Keycloak', ['outcome'])
  for (const outcome of ['done', 'failed']) repaired.inc({ outcome }, 0)

  const differing = async (page: Person[]): Promise<string[]> => {
    const rows = await users.findAll({ where: { id: page.map(({ id }) => id) }, raw: true })
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

  /** Rows of the projection that no page had; Keycloak is asked for each before it becomes a tombstone. */
  const repairGone = async (present: Set<string>, signal: AbortSignal): Promise<void> => {
    for (let after = ''; !signal.aborted; ) {
      const rows = await users.findAll({
        attributes: ['id'],
        where: { id: { [Op.gt]: after }, deletedAt: null },
        order: ['id'],
        limit: pageSize,
        raw: true,
      })
      const gone = rows.map(({ id }) => id).filter((id) => !present.has(id))
      if (gone.length > 0) await repair(gone)
      after = rows.at(-1)?.id ?? after
      if (rows.length < pageSize) return
    }
  }

  return {
    run: async (signal: AbortSignal): Promise<void> => {
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
