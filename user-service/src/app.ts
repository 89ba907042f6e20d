import type { Verifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { leader } from '@clientele/platform/data/leader-election'
import { createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { Express, Router } from 'express'
import { createMailQueue } from './auth/mail-queue.ts'
import { createSignInService } from './auth/sign-in.service.ts'
import { createSignInGuard } from './auth/sign-in-guard.ts'
import { createSignUpService } from './auth/sign-up.service.ts'
import { cleanup } from './cleanup.ts'
import type { Config } from './config.ts'
import { service, title } from './contract.ts'
import { createAdminApi } from './keycloak/admin-api.ts'
import { createJournals } from './keycloak/events.ts'
import { createOidc, type Oidc } from './keycloak/oidc.ts'
import { createPeople } from './keycloak/people.ts'
import { defineModels } from './models.ts'
import { declareRoutes } from './routes.ts'
import { createFollower } from './sync/follower.ts'
import { internalRoutes } from './users/internal.routes.ts'
import { createLastAdminGuard } from './users/last-admin.ts'
import { createProfileService } from './users/profile.service.ts'
import { createUserService } from './users/user.service.ts'
import { createUserMail } from './users/user-mail.ts'
import { createUserSync } from './users/user-sync.ts'

export type AppConfig = Config & { checkResponses?: boolean }
type Deps = { config: AppConfig; db: Db; verifier: Verifier; log: Log }
export type App = { app: Express; internal: Router; tasks: Task[]; oidc: Oidc }

/** Puts the service together; nothing connects before it is used. */
export const createApp = ({ config, db, verifier, log }: Deps): App => {
  const adminApi = createAdminApi(config)
  const people = createPeople(adminApi)
  const oidc = createOidc(config)
  const models = defineModels(db.sequelize)
  const { users } = models
  const sync = createUserSync({ db, models, people })
  const mail = createUserMail(people, config)
  const mails = createMailQueue({ db, mails: models.mails, people, mail, log })
  const userService = createUserService({
    db,
    users,
    people,
    sync,
    mail,
    lastAdmin: createLastAdminGuard({ db, users, people }),
  })
  const guard = createSignInGuard({ db, signInFailures: models.signInFailures, key: config.loginClientSecret })
  const follower = createFollower({ db, models, people, sync, log, journals: createJournals(adminApi) })

  const api = createApi({ service, title, verifier, log, db, config })
  declareRoutes(api, {
    db,
    config,
    mails,
    service: userService,
    profile: createProfileService({ service: userService, sync, mails }),
    signIn: createSignInService({ db, signIns: models.signIns, oidc, guard, sync }),
    signUp: createSignUpService({ db, signupIntents: models.signupIntents, people, sync, mails, config }),
  })

  const tasks = [
    leader({ db, name: 'keycloak', log, task: follower.task(config) }),
    mails.task(),
    cleanup({ models, mails, guard, follower, log }),
  ]
  return { app: api.app(), internal: internalRoutes(models), tasks, oidc }
}
