import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import type { AccountCreation } from './accounts/account-creation.ts'
import { cleanupIntents } from './accounts/signup-intents.ts'
import type { SignInGuard } from './auth/sign-in-guard.ts'
import type { TokenRefresh } from './auth/token-refresh.ts'
import type { EmailLinks } from './email/email-links.ts'
import type { MailQueue } from './email/mail-queue.ts'
import type { Models } from './models.ts'
import { cleanupRevocations } from './revocations/revocations.ts'
import type { KeycloakSync } from './sync/keycloak-sync.ts'

type Deps = {
  models: Models
  mailQueue: MailQueue
  emailLinks: EmailLinks
  guard: SignInGuard
  tokenRefresh: TokenRefresh
  keycloakSync: KeycloakSync
  accountCreation: AccountCreation
  log: Log
}

/** Deletes expired rows every minute, and accounts whose creation was interrupted. Several replicas may run it at the same time. */
export const cleanupTask = ({
  models,
  mailQueue,
  emailLinks,
  guard,
  tokenRefresh,
  keycloakSync,
  accountCreation,
  log,
}: Deps): Task =>
  periodicTask({
    name: 'cleanup',
    intervalMs: 60_000,
    log,
    run: async () => {
      await mailQueue.cleanup()
      await emailLinks.cleanup()
      await guard.cleanup()
      await tokenRefresh.cleanup()
      await keycloakSync.cleanup()
      await cleanupRevocations(models)
      await cleanupIntents(models.signupIntents)
      await accountCreation.cleanup()
    },
  })
