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
import type { Config } from './config.ts'
import { service, title } from './contract.ts'
import { housekeeping } from './housekeeping.ts'
import { createAdminApi } from './keycloak/admin-api.ts'
import { createJournals } from './keycloak/events.ts'
import { createOidc, type Oidc } from './keycloak/oidc.ts'
import { createPeople } from './keycloak/people.ts'
import { declareRoutes } from './routes.ts'
import { createFollower } from './sync/follower.ts'
import { internalRoutes } from './users/internal.routes.ts'
import { createLastAdminGuard } from './users/last-admin.ts'
import { createProfileService } from './users/profile.service.ts'
import { defineUsers } from './users/user.model.ts'
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
  const users = defineUsers(db.sequelize)
  const sync = createUserSync({ db, users, people })
  const mail = createUserMail(people, config)
  const mails = createMailQueue({ db, people, mail, log })
  const userService = createUserService({
    db,
    users,
    people,
    sync,
    mail,
    lastAdmin: createLastAdminGuard({ db, people }),
  })
  const guard = createSignInGuard(db, config.loginClientSecret)
  const follower = createFollower({ db, people, sync, log, journals: createJournals(adminApi) })

  const api = createApi({ service, title, verifier, log, db, config })
  declareRoutes(api, {
    db,
    config,
    mails,
    service: userService,
    profile: createProfileService({ service: userService, sync, mails }),
    signIn: createSignInService({ db, oidc, guard, sync }),
    signUp: createSignUpService({ db, people, sync, mails, config }),
  })

  const tasks = [
    leader({ db, name: 'keycloak', log, task: follower.task(config) }),
    mails.task(),
    housekeeping({ db, mails, guard, follower, log }),
  ]
  return { app: api.app(), internal: internalRoutes(db), tasks, oidc }
}
