import { secondsAgo } from '@clientele/platform/data/database-time'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import { Op } from 'sequelize'
import type { Journals } from '../keycloak/events.ts'
import type { People } from '../keycloak/people.ts'
import type { Models } from '../models.ts'
import type { UserSync } from '../users/user-sync.ts'
import { createEventHandler } from './event-handler.ts'
import { createEverybodySignedOut } from './everybody-signed-out.ts'
import { createPoller } from './poller.ts'
import { createReconciliation } from './reconciliation.ts'
import { createRoleCheck } from './role-check.ts'

type Deps = { db: Db; models: Models; people: People; journals: Journals; sync: UserSync; log: Log }

type Intervals = { pollIntervalMs: number; reconcileIntervalMs: number }

/** A first reconciliation of a hundred thousand users, each read one by one, takes its time. */
const reconciliationMs = 3 * 3_600_000
/** Longer than Keycloak's sessions live by default, those of "remember me" included. */
const signInsKeptSeconds = 14 * 86_400

export type Follower = ReturnType<typeof createFollower>

/** Keeps the projection right with what happens in Keycloak without us. */
export const createFollower = (deps: Deps) => {
  const { models, log } = deps
  const roleCheck = createRoleCheck(deps)
  const handler = createEventHandler({ ...deps, roleCheck, everybody: createEverybodySignedOut(deps) })
  const poller = createPoller({ ...deps, handler })
  const reconciliation = createReconciliation({ ...deps, roleCheck })

  const pass = async (signal: AbortSignal): Promise<void> => {
    await poller.pass(signal)
    await roleCheck.pass()
  }

  const reconcile = async (signal: AbortSignal): Promise<void> => {
    const missing = await deps.journals.missing().catch(() => [])
    if (missing.length > 0)
      log.warn({ missing }, 'the realm keeps no events: changes in Keycloak are seen by sweeps only')
    await reconciliation.run(signal)
  }

  return {
    /** Polling and reconciling as one task, so that one leader's connection serves both. */
    task: ({ pollIntervalMs, reconcileIntervalMs }: Intervals): Task => {
      const tasks = [
        every({ name: 'keycloak-events', intervalMs: pollIntervalMs, runAtStart: true, run: pass, log }),
        every({
          name: 'reconciliation',
          intervalMs: reconcileIntervalMs,
          runAtStart: true,
          run: reconcile,
          timeoutMs: reconciliationMs,
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
    cleanup: async (): Promise<void> => {
      await poller.cleanup()
      await models.signIns.destroy({ where: { at: { [Op.lt]: secondsAgo(signInsKeptSeconds) } } })
    },
  }
}
