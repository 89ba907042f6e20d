import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { leaderTask } from '@clientele/platform/data/leader-election'
import { createApi } from '@clientele/platform/http/api'
import type { Log } from '@clientele/platform/runtime/log'
import type { Task } from '@clientele/platform/runtime/periodic-task'
import type { ReadRevocations } from '@clientele/platform/service/revocation-reader'
import type { Express, Router } from 'express'
import { createAccountCreation } from './accounts/account-creation.ts'
import { createAccountLocks } from './accounts/account-locks.ts'
import { createLastAdminGuard } from './accounts/last-admin.ts'
import { createKnownDevices } from './auth/known-devices.ts'
import { createPasswordCheck } from './auth/password-check.ts'
import { createRecentSignIns } from './auth/recent-sign-ins.ts'
import { createSignInService } from './auth/sign-in.service.ts'
import { createSignInGuard } from './auth/sign-in-guard.ts'
import { createSignUpService } from './auth/sign-up.service.ts'
import { createTokenRefresh } from './auth/token-refresh.ts'
import { cleanupTask } from './cleanup.ts'
import { type Config, signUpRoleOf } from './config.ts'
import { service, title } from './contract.ts'
import { createEmailChangeService } from './email/email-change.service.ts'
import { createEmailLinks } from './email/email-links.ts'
import { createMailQueue } from './email/mail-queue.ts'
import { createMailer } from './email/mailer.ts'
import { createUserMail } from './email/user-mail.ts'
import { createAdminApi } from './keycloak/admin-api.ts'
import { createEventLogs } from './keycloak/event-logs.ts'
import { createKeycloakLocks } from './keycloak/keycloak-locks.ts'
import { createKeycloakUsers } from './keycloak/keycloak-users.ts'
import { createOidc, type Oidc } from './keycloak/oidc.ts'
import { createSignInErrors } from './keycloak/sign-in-errors.ts'
import { findSignIn } from './keycloak/user-sessions.ts'
import { defineModels } from './models.ts'
import { createFreshTokens } from './revocations/fresh-tokens.ts'
import { readRevocations as readRevocationPage } from './revocations/revocation-pages.ts'
import { declareRoutes } from './routes.ts'
import { createSessionService } from './sessions/session.service.ts'
import { createKeycloakSync } from './sync/keycloak-sync.ts'
import { internalRoutes } from './users/internal.routes.ts'
import { createProfileService } from './users/profile.service.ts'
import { createUserService } from './users/user.service.ts'
import { createUserSync } from './users/user-sync.ts'

const revocationsPerRead = 2_000

export type AppConfig = Config & { checkResponses?: boolean }
type Deps = { config: AppConfig; db: Db; verifier: TokenVerifier; log: Log }
export type App = {
  app: Express
  internal: Router
  tasks: Task[]
  oidc: Oidc
  readRevocations: ReadRevocations
}

/** Wires up the service. No connection is opened here. */
export const createApp = ({ config, db, verifier, log }: Deps): App => {
  const adminApi = createAdminApi(config)
  const keycloakUsers = createKeycloakUsers(adminApi)
  const oidc = createOidc(config)
  const models = defineModels(db.sequelize)
  const { users } = models
  const mailer = config.smtpConfigured ? createMailer(config) : undefined
  const emailLinks = createEmailLinks({ db, emailLinks: models.emailLinks, mailer, publicUrl: config.publicUrl })
  const sync = createUserSync({ db, models, keycloakUsers, emailLinks })
  const accountCreation = createAccountCreation({ db, models, keycloakUsers, sync })
  const signUpRole = signUpRoleOf(config)
  const userMail = createUserMail(keycloakUsers, config)
  const mailQueue = createMailQueue({ db, models, keycloakUsers, userMail, emailLinks, log })
  const emailChange = createEmailChangeService({ db, users, keycloakUsers, sync, links: emailLinks })
  const signInGuard = createSignInGuard({ db, signInCounts: models.signInCounts, key: config.loginClientSecret })
  const keycloakLocks = createKeycloakLocks(adminApi)
  const locks = createAccountLocks({ users, guard: signInGuard, keycloakLocks })
  const userService = createUserService({
    db,
    users,
    keycloakUsers,
    sync,
    accountCreation,
    userMail,
    locks,
    mailQueue,
    lastAdmin: createLastAdminGuard({ db, users, keycloakUsers }),
  })
  const recentSignIns = createRecentSignIns()
  const signInErrors = createSignInErrors(adminApi)
  const passwordCheck = createPasswordCheck({ users, oidc, signInErrors, keycloakLocks, recentSignIns })
  const freshTokens = createFreshTokens({ db, refresh: oidc.refresh })
  const tokenRefresh = createTokenRefresh({
    db,
    tokenRefreshes: models.tokenRefreshes,
    oidc: { refresh: async (refreshToken) => freshTokens(await oidc.refresh(refreshToken)) },
    key: config.loginClientSecret,
  })
  const keycloakSync = createKeycloakSync({
    db,
    models,
    keycloakUsers,
    sync,
    locks,
    emailLinks,
    log,
    signUpRole,
    eventLogs: createEventLogs(adminApi),
  })

  const api = createApi({ service, title, verifier, findSignIn: findSignIn(keycloakUsers.sessions), log, db, config })
  declareRoutes(api, {
    db,
    config,
    mailQueue,
    emailChange,
    service: userService,
    locks,
    sessions: createSessionService({ db, signIns: models.signIns, keycloakUsers, sync, service: userService }),
    profile: createProfileService({ service: userService, sync, emailChange }),
    signIn: createSignInService({
      db,
      signIns: models.signIns,
      oidc,
      passwordCheck,
      recentSignIns,
      guard: signInGuard,
      devices: createKnownDevices({ users, secret: config.loginClientSecret }),
      tokenRefresh,
      freshTokens,
      sessions: keycloakUsers.sessions,
      sync,
    }),
    signUp: createSignUpService({
      signupIntents: models.signupIntents,
      keycloakUsers,
      accountCreation,
      sync,
      mailQueue,
      emailLinks,
      config: { ...config, signUpRole },
    }),
  })

  const tasks = [
    leaderTask({ db, name: 'keycloak', log, task: keycloakSync.task(config) }),
    mailQueue.task(),
    cleanupTask({
      models,
      mailQueue,
      emailLinks,
      guard: signInGuard,
      tokenRefresh,
      keycloakSync,
      accountCreation,
      log,
    }),
  ]
  const readRevocations: ReadRevocations = (since, after) =>
    readRevocationPage(db, new Date(since), revocationsPerRead, after)
  return { app: api.app(), readRevocations, internal: internalRoutes(db), tasks, oidc }
}
