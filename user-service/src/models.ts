import type { Sequelize } from 'sequelize'
import { defineMails } from './auth/mail.model.ts'
import { defineSignInFailures } from './auth/sign-in-failure.model.ts'
import { defineKeycloakEvents } from './sync/keycloak-event.model.ts'
import { defineWatermarks } from './sync/watermark.model.ts'
import { defineRevocations } from './users/revocation.model.ts'
import { defineSignIns } from './users/sign-in.model.ts'
import { defineSignupIntents } from './users/signup-intent.model.ts'
import { defineUsers } from './users/user.model.ts'

/** The tables of the schema `users`. */
export const defineModels = (sequelize: Sequelize) => ({
  users: defineUsers(sequelize),
  revocations: defineRevocations(sequelize),
  signIns: defineSignIns(sequelize),
  signupIntents: defineSignupIntents(sequelize),
  mails: defineMails(sequelize),
  signInFailures: defineSignInFailures(sequelize),
  keycloakEvents: defineKeycloakEvents(sequelize),
  watermarks: defineWatermarks(sequelize),
})
export type Models = ReturnType<typeof defineModels>
