import { randomBytes } from 'node:crypto'
import { createVerifier } from '@clientele/platform/auth/token-verifier'
import { connectDb } from '@clientele/platform/data/db'
import { loadConfig } from '@clientele/platform/runtime/config'
import { createLog } from '@clientele/platform/runtime/log'
import { type Service, startService } from '@clientele/platform/service/service'
import { testBroker } from '@clientele/platform/testing/broker'
import { client } from '@clientele/platform/testing/client'
import { testDatabase, testEnv } from '@clientele/platform/testing/database'
import { testConfig } from '@clientele/platform/testing/service'
import { newPerson } from '@clientele/platform/testing/tokens'
import { type AppConfig, createApp } from '../src/app.ts'
import { configShape } from '../src/config.ts'
import { migrations } from '../src/migrations.ts'
import { makeRealm, secrets } from './realm.ts'

type Overrides = Partial<AppConfig>

/** user-service with a realm, a database and a broker of its own, an administrator and a user signed in. */
export const startUsers = async (overrides: Overrides = {}, realmChange: Record<string, unknown> = {}) => {
  const [realm, database, broker] = await Promise.all([
    makeRealm(realmChange),
    testDatabase({ schema: 'users', migrations }),
    testBroker(),
  ])
  const issuer = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${realm.name}`
  const own = loadConfig(configShape, {
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
    POLL_INTERVAL_MS: '500',
  })
  const { checkResponses: _check, ...base } = testConfig({ rabbitmqUrl: broker.url, keycloakIssuer: issuer })
  const config: AppConfig = { ...own, ...base, checkResponses: true, ...overrides }
  const log = createLog({ name: 'user-service', level: process.env['TEST_LOG'] ?? 'silent' })
  const verifier = createVerifier(config)

  const run = async (change: Overrides = {}) => {
    const current = { ...config, ...change }
    const db = await connectDb(current, 'users')
    return startService({
      name: 'user-service',
      config: current,
      log,
      db,
      migrations,
      ...createApp({ config: current, db, log, verifier }),
    })
  }

  const tap = await broker.tap()
  const [admin, user] = await Promise.all([newPerson(['admin'], realm.name), newPerson(['user'], realm.name)])
  let service: Service = await run()
  // Asking for one's own profile brings it into the projection at once.
  await Promise.all([admin, user].map(({ token }) => client(service.url, token).get('/v1/users/me')))
  const inspect = await connectDb({ ...database.config, databasePoolMax: 2 }, 'users')

  return {
    realm,
    tap,
    config,
    people: { admin, user },
    /** Looks into the service's own schema. */
    db: inspect,
    internal: () => client(service.internalUrl),
    anonymous: () => client(service.url),
    as: (token: string) => client(service.url, token),
    admin: () => client(service.url, admin.token),
    user: () => client(service.url, user.token),
    /** Another replica, or the service with other settings; stop it yourself. */
    another: run,
    stop: () => service.stop(),
    start: async () => {
      service = await run()
    },
    end: async () => {
      await service.stop()
      await inspect.close()
      await Promise.allSettled([realm.drop(), database.drop(), broker.close()])
    },
  }
}
export type UsersService = Awaited<ReturnType<typeof startUsers>>

/** A name that no other test uses. */
export const unique = (prefix: string): string => `${prefix}-${randomBytes(5).toString('hex')}`
