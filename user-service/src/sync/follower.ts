import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import type { Journals } from '../keycloak/events.ts'
import type { People } from '../keycloak/people.ts'
import type { UserSync } from '../users/user-sync.ts'
import { createEventHandler } from './event-handler.ts'
import { createEverybodySignedOut } from './everybody-signed-out.ts'
import { createPoller } from './poller.ts'
import { createReconciliation } from './reconciliation.ts'
import { createRoleCheck } from './role-check.ts'

type Deps = { db: Db; people: People; journals: Journals; sync: UserSync; log: Log }

type Intervals = { pollIntervalMs: number; reconcileIntervalMs: number }

/** A first sweep of a hundred thousand users, each read one by one, takes its time. */
const sweepMs = 3 * 3_600_000
/** Longer than Keycloak's sessions live by default, those of "remember me" included. */
const signInsKeptDays = 14

export type Follower = ReturnType<typeof createFollower>

/** Keeps the projection right with what happens in Keycloak without us. */
export const createFollower = (deps: Deps) => {
  const { db, log } = deps
  const roleCheck = createRoleCheck(deps)
  const handler = createEventHandler({ ...deps, roleCheck, everybody: createEverybodySignedOut(deps) })
  const poller = createPoller({ ...deps, handler })
  const { sweep } = createReconciliation({ ...deps, roleCheck })

  const pass = async (signal: AbortSignal): Promise<void> => {
    await poller.pass(signal)
    await roleCheck.pass()
  }

  const sweepAndWarn = async (signal: AbortSignal): Promise<void> => {
    const missing = await deps.journals.missing().catch(() => [])
    if (missing.length > 0)
      log.warn({ missing }, 'the realm keeps no events: changes in Keycloak are seen by sweeps only')
    await sweep(signal)
  }

  return {
    /** Polling and sweeping as one task, so that one leader's connection serves both. */
    task: ({ pollIntervalMs, reconcileIntervalMs }: Intervals): Task => {
      const tasks = [
        every({ name: 'keycloak-events', intervalMs: pollIntervalMs, runAtStart: true, run: pass, log }),
        every({
          name: 'reconciliation',
          intervalMs: reconcileIntervalMs,
          runAtStart: true,
          run: sweepAndWarn,
          timeoutMs: sweepMs,
          log,
        }),
      ]
      return {
        name: 'keycloak',
        start: async () => {
          for (const task of tasks) await task.start()
        },
        stop: async () => {
          await Promise.all(tasks.map((task) => task.stop()))
        },
      }
    },
    forgetOld: async (): Promise<void> => {
      await poller.forgetSeen()
      await db.query('delete from sign_ins where at < now() - make_interval(days => $1)', [signInsKeptDays])
    },
  }
}
