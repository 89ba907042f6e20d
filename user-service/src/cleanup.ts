import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import type { MailQueue } from './auth/mail-queue.ts'
import type { SignInGuard } from './auth/sign-in-guard.ts'
import type { Models } from './models.ts'
import type { Follower } from './sync/follower.ts'
import { cleanupRevocations } from './users/revocations.ts'
import { cleanupIntents } from './users/signup-intents.ts'

type Deps = { models: Models; mails: MailQueue; guard: SignInGuard; follower: Follower; log: Log }

/** Removes what has had its time; harmless on several replicas at once. */
export const cleanup = ({ models, mails, guard, follower, log }: Deps): Task =>
  every({
    name: 'housekeeping',
    intervalMs: 60_000,
    log,
    run: async () => {
      await mails.cleanup()
      await guard.cleanup()
      await follower.cleanup()
      await cleanupRevocations(models.revocations)
      await cleanupIntents(models.signupIntents)
    },
  })
