import { connectDb, type Db } from '@clientele/platform/data/db'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'
import { testLog } from '@clientele/platform/testing/service'
import { createMailQueue } from '../src/auth/mail-queue.ts'
import { createSignInGuard } from '../src/auth/sign-in-guard.ts'
import { createAdminApi } from '../src/keycloak/admin-api.ts'
import { createJournals } from '../src/keycloak/events.ts'
import { createPeople } from '../src/keycloak/people.ts'
import { migrations } from '../src/migrations.ts'
import { defineModels, type Models } from '../src/models.ts'
import { createFollower } from '../src/sync/follower.ts'
import { cleanupRevocations } from '../src/users/revocations.ts'
import { cleanupIntents } from '../src/users/signup-intents.ts'
import { createUserMail } from '../src/users/user-mail.ts'
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

// Nothing here is asked: what is cleaned up is in the database.
const keycloak = {
  keycloakUrl: 'http://localhost:1',
  keycloakIssuer: 'http://localhost:1/realms/none',
  keycloakClientId: 'none',
  keycloakClientSecret: 'none',
}

describe('the cleanup removes', () => {
  it('revocations after a day', async () => {
    const notBefore = new Date()
    await models.revocations.bulkCreate([
      { userId: 'old', notBefore, changedAt: ago(25 * hour) },
      { userId: 'new', notBefore, changedAt: ago(23 * hour) },
    ])
    await cleanupRevocations(models.revocations)
    expect((await models.revocations.findAll()).map(({ userId }) => userId)).toEqual(['new'])
  })

  it('wishes of sign-ups after a week', async () => {
    await models.signupIntents.bulkCreate([
      { email: 'old@example.com', createdAt: ago(7 * 24 * hour + minute) },
      { email: 'new@example.com', createdAt: ago(7 * 24 * hour - minute) },
    ])
    await cleanupIntents(models.signupIntents)
    expect((await models.signupIntents.findAll()).map(({ email }) => email)).toEqual(['new@example.com'])
  })

  it('failed sign-ins after half an hour', async () => {
    const guard = createSignInGuard({ db, signInFailures: models.signInFailures, key: 'a key of the tests' })
    const failure = { failures: 1, lockedUntil: null }
    await models.signInFailures.bulkCreate([
      { ...failure, nameHash: 'old', lastAt: ago(31 * minute) },
      { ...failure, nameHash: 'new', lastAt: ago(29 * minute) },
    ])
    await guard.cleanup()
    expect((await models.signInFailures.findAll()).map(({ nameHash }) => nameHash)).toEqual(['new'])
  })

  it('mails two minutes after they were sent, sign-ins after two weeks, and events that are not read again', async () => {
    const people = createPeople(createAdminApi(keycloak))
    const mail = createUserMail(people, {
      smtpConfigured: true,
      consoleClientId: 'none',
      publicUrl: 'http://localhost',
    })
    const mails = createMailQueue({ db, mails: models.mails, people, mail, log: testLog() })
    const sync = createUserSync({ db, models, people })
    const journals = createJournals(createAdminApi(keycloak))
    const follower = createFollower({ db, models, people, journals, sync, log: testLog() })
    await mails.passwordReset('waits@example.com')
    await mails.passwordReset('old@example.com')
    await mails.passwordReset('new@example.com')
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
    await mails.cleanup()
    await follower.cleanup()
    expect((await models.mails.findAll({ order: ['recipient'] })).map(({ recipient }) => recipient)).toEqual([
      'new@example.com',
      'waits@example.com',
    ])
    expect((await models.signIns.findAll()).map(({ sessionId }) => sessionId)).toEqual(['new'])
    expect((await models.keycloakEvents.findAll()).map(({ id, occurredAt }) => [id, occurredAt])).toEqual([
      ['new', at - minute],
    ])
  })
})
