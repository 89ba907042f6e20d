import { type UserState, UserStates } from '@clientele/contracts/user'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { sleep } from '@clientele/platform/runtime/timeout'
import type { UserProjection } from './user-projection.ts'

const intervalMs = 600_000
const retryMs = 5_000
const pageTimeoutMs = 10_000
const pageSize = 1_000

const selectCurrent = (table: string) => `select id from ${table}
  join unnest($1::text[], $2::integer[]) as source (id, version) using (id) where ${table}.version >= source.version`

type Options = { userServiceInternalUrl: string; db: Db; projections: readonly UserProjection[] }

/** Creates a function that reads all users from user-service's internal port and stores those that are newer. */
export const createUserReconciliation = ({ userServiceInternalUrl, db, projections }: Options) => {
  const readPage = async (after: string, signal: AbortSignal): Promise<UserState[]> => {
    const url = `${userServiceInternalUrl}/users?${new URLSearchParams({ limit: String(pageSize), after })}`
    const response = await fetch(url, { signal: AbortSignal.any([signal, AbortSignal.timeout(pageTimeoutMs)]) })
    if (!response.ok) throw new Error(`reading users from user-service returned ${response.status}`)
    return UserStates.parse(await response.json()).data
  }

  const storePage = (users: readonly UserState[]): Promise<void> =>
    db.transaction(async (tx) => {
      const versions = [users.map(({ id }) => id), users.map(({ version }) => version)]
      for (const { table, apply } of projections) {
        const current = await db.query<{ id: string }>(selectCurrent(table), versions, { tx })
        const ids = new Set(current.map(({ id }) => id))
        for (const user of users) if (!ids.has(user.id)) await apply(user, tx)
      }
    })

  return async (signal: AbortSignal): Promise<void> => {
    for (let after = ''; !signal.aborted; ) {
      const users = await readPage(after, signal)
      if (users.length > 0) await storePage(users)
      const last = users.at(-1)
      if (!last || users.length < pageSize) return
      after = last.id
    }
  }
}

/**
 * Compares the projections of users with user-service at the start and every ten minutes. Events keep them current; this adds the
 * users of the time before a projection existed, and what an outage lost.
 */
export const userReconciliationTask = ({ log, ...options }: Options & { log: Log }): Task => {
  const reconcile = createUserReconciliation(options)
  const run = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) {
      try {
        return await reconcile(signal)
      } catch (err) {
        if (signal.aborted) return
        // At the start of an installation user-service may not be there yet.
        log.warn({ err }, 'the users could not be read from user-service; trying again')
        await sleep(retryMs, signal)
      }
    }
  }
  return periodicTask({ name: 'user-reconciliation', intervalMs, log, runAtStart: true, run })
}
