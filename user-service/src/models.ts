import type { Sequelize } from 'sequelize'
import { defineAccountCreations } from './accounts/account-creation.model.ts'
import { defineSignupIntents } from './accounts/signup-intent.model.ts'
import { defineSignInCounts } from './auth/sign-in-count.model.ts'
import { defineTokenRefreshes } from './auth/token-refresh.model.ts'
import { defineEmailLinks } from './email/email-link.model.ts'
import { defineMails } from './email/mail.model.ts'
import { definePartialRevocations, defineRevocations } from './revocations/revocation.model.ts'
import { defineSignIns } from './sessions/sign-in.model.ts'
import { defineKeycloakEvents } from './sync/keycloak-event.model.ts'
import { defineServiceAccounts } from './sync/service-account.model.ts'
import { defineWatermarks } from './sync/watermark.model.ts'
import { defineUsers } from './users/user.model.ts'

/** The tables of the schema `users`. */
export const defineModels = (sequelize: Sequelize) => ({
  users: defineUsers(sequelize),
  accountCreations: defineAccountCreations(sequelize),
  revocations: defineRevocations(sequelize),
  partialRevocations: definePartialRevocations(sequelize),
  signIns: defineSignIns(sequelize),
  signupIntents: defineSignupIntents(sequelize),
  emailLinks: defineEmailLinks(sequelize),
  mails: defineMails(sequelize),
  signInCounts: defineSignInCounts(sequelize),
  tokenRefreshes: defineTokenRefreshes(sequelize),
  keycloakEvents: defineKeycloakEvents(sequelize),
  serviceAccounts: defineServiceAccounts(sequelize),
  watermarks: defineWatermarks(sequelize),
})
export type Models = ReturnType<typeof defineModels>
