import type { Db } from '@clientele/platform/data/db'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import type { MailQueue } from './auth/mail-queue.ts'
import type { SignInGuard } from './auth/sign-in-guard.ts'
import type { Follower } from './sync/follower.ts'
import { forgetOldRevocations } from './users/revocations.ts'
import { forgetOldIntents } from './users/signup-intents.ts'

type Deps = { db: Db; mails: MailQueue; guard: SignInGuard; follower: Follower; log: Log }

/** Removes what has had its time; harmless on several replicas at once. */
export const housekeeping = ({ db, mails, guard, follower, log }: Deps): Task =>
  every({
    name: 'housekeeping',
    intervalMs: 60_000,
    log,
    run: async () => {
      await mails.forgetSent()
      await guard.forgetOld()
      await follower.forgetOld()
      await forgetOldRevocations(db)
      await forgetOldIntents(db)
    },
  })
