import { randomBytes } from 'node:crypto'
import { createTokenVerifier } from '@clientele/platform/auth/token-verifier'
import { connectDb } from '@clientele/platform/data/db'
import { loadConfig } from '@clientele/platform/runtime/config'
import { createLog } from '@clientele/platform/runtime/log'
import { type Service, startService } from '@clientele/platform/service/service'
import { testBroker } from '@clientele/platform/testing/broker'
import { client, type TestResponse } from '@clientele/platform/testing/client'
import { asOwner, testDatabase, testEnv } from '@clientele/platform/testing/database'
import { testConfig } from '@clientele/platform/testing/service'
import { createSignedInUser, signIn } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { type AppConfig, createApp } from '../src/app.ts'
import { configShape } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'
import { createRealm, secrets } from './realm.ts'

type Overrides = Partial<AppConfig>

/** The password of test users. */
export const password = 'correct horse'

/** Starts user-service with its own realm, database and broker. An admin and a user are signed in. */
export const startUsers = async (overrides: Overrides = {}, realmChange: Record<string, unknown> = {}) => {
  const [realm, database, broker] = await Promise.all([
    createRealm(realmChange),
    testDatabase({ schema: 'users', migrations }),
    testBroker(),
  ])
  const issuer = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${realm.name}`
  const envConfig = loadConfig(configShape, {
    PROFILE: 'local',
    RABBITMQ_URL: broker.url,
    DATABASE_URL: database.url,
    KEYCLOAK_URL: testEnv('TEST_KEYCLOAK_URL'),
    KEYCLOAK_ISSUER: issuer,
    KEYCLOAK_CLIENT_SECRET: secrets.CLIENTELE_USER_SERVICE_SECRET,
    LOGIN_CLIENT_SECRET: secrets.CLIENTELE_LOGIN_SECRET,
    PUBLIC_URL: 'http://localhost:8000',
    SIGNUP_ENABLED: 'true',
    PASSWORD_LOGIN_ENABLED: 'true',
    SMTP_CONFIGURED: 'true',
    SMTP_URL: `smtp://127.0.0.1:${testEnv('TEST_SMTP_PORT')}`,
    MAIL_FROM: 'shop@clientele.localhost',
    POLL_INTERVAL_MS: '500',
  })
  const { checkResponses: _check, ...base } = testConfig({ rabbitmqUrl: broker.url, keycloakIssuer: issuer })
  const config: AppConfig = { ...envConfig, ...base, checkResponses: true, ...overrides }
  const log = createLog({ name: 'user-service', level: process.env['TEST_LOG'] ?? 'silent' })
  const verifier = createTokenVerifier(config)

  const startReplica = async (change: Overrides = {}) => {
    const current = { ...config, ...change }
    const db = await connectDb(current, 'users')
    return startService({
      name: 'user-service',
      verifier,
      config: current,
      log,
      db,
      migrations,
      ...createApp({ config: current, db, log, verifier }),
    })
  }

  const events = await broker.subscribe()
  const [admin, user] = await Promise.all([
    createSignedInUser(['admin'], realm.name),
    createSignedInUser(['user'], realm.name),
  ])
  let service: Service = await startReplica()
  // GET /v1/users/me syncs a user who is not in the projection yet.
  await Promise.all([admin, user].map(({ token }) => client(service.url, token).get('/v1/users/me')))
  const serviceDb = await connectDb({ ...database.config, databasePoolMax: 2 }, 'users')

  return {
    realm,
    events,
    config,
    accounts: { admin, user },
    /** A connection to the service's schema. */
    db: serviceDb,
    /** Runs statements that the service's role may not, such as `create trigger`. */
    asOwner: (...statements: string[]) => asOwner(database, ...statements),
    internal: () => client(service.internalUrl),
    internalUrl: () => service.internalUrl,
    anonymous: () => client(service.url),
    as: (token: string) => client(service.url, token),
    admin: () => client(service.url, admin.token),
    user: () => client(service.url, user.token),
    /** Creates a user by the API, with these fields instead of the usual ones. */
    createUser: async (fields: Record<string, unknown> = {}): Promise<TestResponse['body']> => {
      const username = unique('lou')
      const input = { username, email: `${username}@example.com`, password, ...fields }
      return (await client(service.url, admin.token).post('/v1/users', input)).body
    },
    /** Signs the admin in again, after a test in which the tokens were revoked. */
    signInAdmin: () =>
      eventually(
        async () => {
          Object.assign(admin, await signIn(admin.username, admin.password, 'test-client', realm.name))
          const { status } = await client(service.url, admin.token).get('/v1/users?limit=1')
          if (status !== 200) throw new Error(`the admin gets ${status}`)
        },
        { everyMs: 700 },
      ),
    /** Starts another replica, also with other settings. The test has to stop it. */
    startReplica,
    stop: () => service.stop(),
    start: async () => {
      service = await startReplica()
    },
    end: async () => {
      await service.stop()
      await serviceDb.close()
      await Promise.allSettled([realm.drop(), database.drop(), broker.close()])
    },
  }
}
export type UsersService = Awaited<ReturnType<typeof startUsers>>

/** A unique name: `unique('ana')` is `ana-3f9c1e07b2`. */
export const unique = (prefix: string): string => `${prefix}-${randomBytes(5).toString('hex')}`
