import { connectDb, type Db, newId } from '@clientele/platform/data/db'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { createAccountLocks } from '../src/accounts/account-locks.ts'
import { cleanupIntents } from '../src/accounts/signup-intents.ts'
import { createSignInGuard } from '../src/auth/sign-in-guard.ts'
import { createTokenRefresh } from '../src/auth/token-refresh.ts'
import { createEmailLinks } from '../src/email/email-links.ts'
import { createMailQueue } from '../src/email/mail-queue.ts'
import { createUserMail } from '../src/email/user-mail.ts'
import { createAdminApi } from '../src/keycloak/admin-api.ts'
import { createEventLogs } from '../src/keycloak/event-logs.ts'
import { createKeycloakLocks } from '../src/keycloak/keycloak-locks.ts'
import { createKeycloakUsers } from '../src/keycloak/keycloak-users.ts'
import { createOidc } from '../src/keycloak/oidc.ts'
import { migrations } from '../src/migrations.ts'
import { defineModels, type Models } from '../src/models.ts'
import { cleanupRevocations } from '../src/revocations/revocations.ts'
import { createKeycloakSync } from '../src/sync/keycloak-sync.ts'
import { createUserSync } from '../src/users/user-sync.ts'

let database: TestDatabase
let db: Db
let models: Models

beforeAll(async () => {
  database = await testDatabase({ schema: 'users', migrations })
  db = await connectDb(database.config, 'users')
  models = defineModels(db.sequelize)
}, 60_000)
afterAll(async () => {
  await db.close()
  await database.drop()
})

const minute = 60_000
const hour = 60 * minute
const ago = (ms: number): Date => new Date(Date.now() - ms)

// Never called: the cleanup changes the database only.
const keycloakConfig = {
  keycloakUrl: 'http://localhost:1',
  keycloakIssuer: 'http://localhost:1/realms/none',
  keycloakClientId: 'none',
  keycloakClientSecret: 'none',
}

describe('Cleanup of user-service', () => {
  it('responses to refreshes are deleted once they have expired', async () => {
    const tokenRefresh = createTokenRefresh({
      db,
      tokenRefreshes: models.tokenRefreshes,
      oidc: createOidc({ ...keycloakConfig, loginClientId: 'none', loginClientSecret: 'none' }),
      key: 'a key of the tests',
    })
    await models.tokenRefreshes.bulkCreate([
      { tokenHash: 'old', tokens: 'encrypted', expiresAt: ago(1_000) },
      { tokenHash: 'new', tokens: 'encrypted', expiresAt: ago(-minute) },
    ])
    await tokenRefresh.cleanup()
    expect((await models.tokenRefreshes.findAll()).map(({ tokenHash }) => tokenHash)).toEqual(['new'])
  })

  it('revocations are deleted after a day', async () => {
    const notBefore = new Date()
    await models.revocations.bulkCreate([
      { userId: 'old', notBefore, changedAt: ago(25 * hour) },
      { userId: 'new', notBefore, changedAt: ago(23 * hour) },
    ])
    await cleanupRevocations(models)
    expect((await models.revocations.findAll()).map(({ userId }) => userId)).toEqual(['new'])
  })

  it('sign-up intents are deleted after a week', async () => {
    await models.signupIntents.bulkCreate([
      { email: 'old@example.com', createdAt: ago(7 * 24 * hour + minute) },
      { email: 'new@example.com', createdAt: ago(7 * 24 * hour - minute) },
    ])
    await cleanupIntents(models.signupIntents)
    expect((await models.signupIntents.findAll()).map(({ email }) => email)).toEqual(['new@example.com'])
  })

  it('counts of failed sign-ins are deleted after half an hour', async () => {
    const guard = createSignInGuard({ db, signInCounts: models.signInCounts, key: 'a key of the tests' })
    const failure = { sourceHash: 'a source', failures: 1, lockedUntil: null }
    await models.signInCounts.bulkCreate([
      { ...failure, nameHash: 'old', lastAt: ago(31 * minute) },
      { ...failure, nameHash: 'new', lastAt: ago(29 * minute) },
    ])
    await guard.cleanup()
    expect((await models.signInCounts.findAll()).map(({ nameHash }) => nameHash)).toEqual(['new'])
  })

  it('mails are deleted two minutes after they were sent, e-mail links when they expire, sign-ins after two weeks, and events when no poll reads them again', async () => {
    const adminApi = createAdminApi(keycloakConfig)
    const keycloakUsers = createKeycloakUsers(adminApi)
    const userMail = createUserMail(keycloakUsers, {
      smtpConfigured: true,
      consoleClientId: 'none',
      publicUrl: 'http://localhost',
    })
    const emailLinks = createEmailLinks({
      db,
      emailLinks: models.emailLinks,
      mailer: undefined,
      publicUrl: 'http://localhost',
    })
    const mailQueue = createMailQueue({ db, models, keycloakUsers, userMail, emailLinks, log: testLog() })
    const sync = createUserSync({ db, models, keycloakUsers, emailLinks })
    const eventLogs = createEventLogs(adminApi)
    const guard = createSignInGuard({ db, signInCounts: models.signInCounts, key: 'a key of the tests' })
    const locks = createAccountLocks({ users: models.users, guard, keycloakLocks: createKeycloakLocks(adminApi) })
    const signUpRole = 'none'
    const deps = { db, models, keycloakUsers, eventLogs, sync, locks, emailLinks, signUpRole, log: testLog() } as const
    const keycloakSync = createKeycloakSync(deps)
    const link = { id: newId(), kind: 'restoration', userId: 'u' } as const
    await models.emailLinks.bulkCreate([
      { ...link, email: 'expired@example.com', expiresAt: ago(minute) },
      { ...link, id: newId(), email: 'valid@example.com', expiresAt: ago(-minute) },
    ])
    await mailQueue.enqueuePasswordReset('queued@example.com')
    await mailQueue.enqueuePasswordReset('old@example.com')
    await mailQueue.enqueuePasswordReset('new@example.com')
    await models.mails.update({ sentAt: ago(3 * minute) }, { where: { recipient: 'old@example.com' } })
    await models.mails.update({ sentAt: ago(minute) }, { where: { recipient: 'new@example.com' } })
    await models.signIns.bulkCreate([
      { sessionId: 'old', userId: 'u', at: ago(14 * 24 * hour + minute) },
      { sessionId: 'new', userId: 'u', at: ago(14 * 24 * hour - minute) },
    ])
    const at = Date.now()
    await models.watermarks.create({ name: 'user', at })
    await models.keycloakEvents.bulkCreate([
      { id: 'old', source: 'user', occurredAt: at - 3 * minute },
      { id: 'new', source: 'user', occurredAt: at - minute },
    ])
    await mailQueue.cleanup()
    await emailLinks.cleanup()
    await keycloakSync.cleanup()
    expect((await models.mails.findAll({ order: ['recipient'] })).map(({ recipient }) => recipient)).toEqual([
      'new@example.com',
      'queued@example.com',
    ])
    expect((await models.emailLinks.findAll()).map(({ email }) => email)).toEqual(['valid@example.com'])
    expect((await models.signIns.findAll()).map(({ sessionId }) => sessionId)).toEqual(['new'])
    expect((await models.keycloakEvents.findAll()).map(({ id, occurredAt }) => [id, occurredAt])).toEqual([
      ['new', at - minute],
    ])
  })
})
