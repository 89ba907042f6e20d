import { secondsAgo } from '@clientele/platform/data/database-time'
import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { Op } from 'sequelize'
import type { AccountLocks } from '../accounts/account-locks.ts'
import type { EmailLinks } from '../email/email-links.ts'
import type { EventLogs } from '../keycloak/event-logs.ts'
import type { KeycloakUsers } from '../keycloak/keycloak-users.ts'
import type { Models } from '../models.ts'
import type { UserSync } from '../users/user-sync.ts'
import { createEventHandler } from './event-handler.ts'
import { createEventPoller, isUnavailable, logNames } from './event-poller.ts'
import { createRealmSignOut } from './realm-sign-out.ts'
import { createReconciliation } from './reconciliation.ts'
import { createRoleCheck } from './role-check.ts'
import { createServiceAccounts } from './service-accounts.ts'
import { createSignUpRole } from './sign-up-role.ts'

type Deps = {
  db: Db
  models: Models
  keycloakUsers: KeycloakUsers
  eventLogs: EventLogs
  sync: UserSync
  locks: AccountLocks
  emailLinks: EmailLinks
  log: Log
  signUpRole: 'user' | 'none'
}

type Intervals = { pollIntervalMs: number; reconcileIntervalMs: number }

/** The first reconciliation of a large realm reads every user one by one, which may take hours. */
const maxReconciliationMs = 3 * 3_600_000
/** Longer than Keycloak's sessions last by default, "remember me" included. */
const signInRetentionSeconds = 14 * 86_400

export type KeycloakSync = ReturnType<typeof createKeycloakSync>

/**
 * Keeps the projection up to date with changes that were made in Keycloak itself: in its console, by its account pages, by
 * sign-ins. Three parts do that, on one replica (the leader):
 * - The event poller reads Keycloak's event logs every 1.5 s. An event names a user, who is then read from Keycloak and
 *   compared with the projection. See `event-poller.ts` for the states of an event.
 * - The role check looks up roles of users whom no event names, because a group or a composite role changed. Such users are
 *   marked (`roles_checked_at` is null), and 50 of them are checked after each poll.
 * - The reconciliation compares all users every 10 minutes. It repairs whatever events did not show: logs that were switched
 *   off, cleared or expired, and restored backups.
 *
 * All three change the projection only through `UserSync`, which reads the user under a lock. So it does not matter which of
 * them sees a change first, or whether an API request has stored it already: the second one finds no difference.
 */
export const createKeycloakSync = (deps: Deps) => {
  const { models, log } = deps
  const roleCheck = createRoleCheck(deps)
  const signUpRole = createSignUpRole(deps)
  const serviceAccounts = createServiceAccounts(deps)
  const handler = createEventHandler({
    ...deps,
    roleCheck,
    signUpRole,
    serviceAccounts,
    realmSignOut: createRealmSignOut(deps),
  })
  const poller = createEventPoller({ ...deps, handler })
  const reconciliation = createReconciliation({ ...deps, roleCheck })

  /** Polls the logs and checks roles. Each goes on when another fails, but an unavailable Keycloak needs no role checks. */
  const poll = async (signal: AbortSignal): Promise<void> => {
    const errors: unknown[] = []
    const attempt = (work: Promise<void>) => work.catch((error: unknown) => void errors.push(error))
    for (const logName of logNames) await attempt(poller.poll(logName, signal))
    if (errors.length < logNames.length || !errors.every(isUnavailable)) await attempt(roleCheck.checkMarked())
    if (errors.length > 1) throw new AggregateError(errors, errors.map(String).join('; '))
    if (errors.length > 0) throw errors[0]
  }

  const reconcile = async (signal: AbortSignal): Promise<void> => {
    const disabled = await deps.eventLogs.disabledLogs().catch(() => [])
    if (disabled.length > 0)
      log.warn({ disabled }, 'the realm does not log events: changes in Keycloak are seen by reconciliation only')
    await serviceAccounts.reconcile().catch((error: unknown) => {
      log.warn({ err: error }, 'service accounts could not be reconciled')
    })
    await reconciliation.run(signal)
    if (!signal.aborted) await signUpRole.catchUp(signal)
  }

  return {
    /** Polling and reconciliation as one task, so that both run under one leadership (one database connection). */
    task: ({ pollIntervalMs, reconcileIntervalMs }: Intervals): Task => {
      const tasks = [
        periodicTask({ name: 'keycloak-events', intervalMs: pollIntervalMs, runAtStart: true, run: poll, log }),
        periodicTask({
          name: 'reconciliation',
          intervalMs: reconcileIntervalMs,
          runAtStart: true,
          run: reconcile,
          timeoutMs: maxReconciliationMs,
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
    /** Deletes handled events that are not read again, and sign-ins whose sessions have ended. */
    cleanup: async (): Promise<void> => {
      await poller.cleanup()
      await models.signIns.destroy({ where: { at: { [Op.lt]: secondsAgo(signInRetentionSeconds) } } })
    },
  }
}
