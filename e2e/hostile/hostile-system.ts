import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { client, type TestResponse } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { createSignedInUser, type SignedInUser } from '@clientele/platform/testing/tokens'
import { createRealm, secrets } from '../../user-service/test/realm.ts'
import { services } from '../services.ts'
import { startSystem } from '../system.ts'

type Overrides = NonNullable<Parameters<typeof startSystem>[0]>

export type HostileSystem = Awaited<ReturnType<typeof startHostileSystem>>

/** Tests send more requests in a minute than a user in days. */
const highRateLimits = { RATE_LIMIT_USER: '1000000', RATE_LIMIT_ADDRESS: '1000000' }

const jwtPattern = /eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+/
const emailPattern = /[\w.+-]+(?:@|%40)[\w-]+\.[a-z]{2,}/i
/** The product's own example, in the message about a value that is no e-mail address. */
const exampleOfMessages = 'such as ana@example.com'
const excerptAt = (text: string, at: number): string => text.slice(Math.max(at - 150, 0), at + 150)

/** Excerpts of `text` that contain a known secret, or something that looks like a token or an e-mail address. */
const findSecrets = (text: string, known: Iterable<string>): string[] => {
  const found = [...known]
    .filter((secret) => text.includes(secret))
    .map((secret) => excerptAt(text, text.indexOf(secret)))
  const others = text.replaceAll(exampleOfMessages, '')
  const shaped = [jwtPattern, emailPattern].flatMap((pattern) => {
    const at = others.search(pattern)
    return at === -1 ? [] : [excerptAt(others, at)]
  })
  return [...found, ...shaped]
}

/**
 * Starts the whole product on its own realm, so that a test can change the realm's keys. Logs are at the level `trace`; error
 * responses to clients of `as` are recorded, so that `findLeaks` can search both for secrets.
 */
export const startHostileSystem = async (overrides: Overrides = {}, realmChange: Record<string, unknown> = {}) => {
  const realm = await createRealm(realmChange)
  const issuer = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${realm.name}`
  const common = { KEYCLOAK_ISSUER: issuer, LOG_LEVEL: 'trace' }
  const environment: Overrides = {}
  for (const name of services) environment[name] = { ...common, ...overrides[name] }
  environment['gateway'] = { ...highRateLimits, ...environment['gateway'] }
  environment['user-service'] = {
    KEYCLOAK_CLIENT_SECRET: secrets.CLIENTELE_USER_SERVICE_SECRET,
    LOGIN_CLIENT_SECRET: secrets.CLIENTELE_LOGIN_SECRET,
    ...environment['user-service'],
  }
  const folder = await mkdtemp(join(tmpdir(), 'clientele-hostile-'))
  const logFile = join(folder, 'log')
  const cleanUp = async (): Promise<void> => {
    await Promise.all([realm.drop(), rm(folder, { recursive: true, force: true })])
  }
  const system = await startSystem(environment, { logFile }).catch(async (error: unknown) => {
    await cleanUp()
    throw error
  })
  const log = (): string => readFileSync(logFile, 'utf8')

  const brokerUrls = [system.broker.url, ...services.map(system.brokerUrl)]
  const knownSecrets = new Set<string>([...Object.values(secrets), ...brokerUrls.map((url) => new URL(url).password)])
  const errorResponses: string[] = []
  const record = (response: TestResponse): TestResponse => {
    if (response.status >= 400) errorResponses.push(JSON.stringify([response.body, [...response.headers]]))
    return response
  }

  return {
    ...system,
    realm,
    issuer,
    log,
    /** A client whose error responses are recorded. */
    as: (token?: string, base: string = system.gateway) => {
      const { raw, get, post, put, patch, delete: remove } = client(base, token)
      const recorded =
        <A extends unknown[]>(call: (...args: A) => Promise<TestResponse>) =>
        async (...args: A): Promise<TestResponse> =>
          record(await call(...args))
      return {
        raw: recorded(raw),
        get: recorded(get),
        post: recorded(post),
        put: recorded(put),
        patch: recorded(patch),
        delete: recorded(remove),
      }
    },
    /** Adds texts that logs and error responses must not contain. */
    addSecrets: (...texts: string[]): void => {
      for (const text of texts) knownSecrets.add(text)
    },
    /** Creates a user with these roles in the realm, and signs in. */
    signInNewUser: async (...roles: string[]): Promise<SignedInUser> => {
      const user = await createSignedInUser(roles, realm.name)
      for (const token of [user.token, user.refreshToken, user.idToken]) knownSecrets.add(token.split('.')[2] ?? token)
      knownSecrets.add(user.password).add(`${user.username}@`)
      return user
    },
    /** Records the body of an error response that no client of `as` received. */
    addErrorResponse: (text: string): void => void errorResponses.push(text),
    /** Secrets in the logs and in the error responses, and how many of both were searched. */
    findLeaks: () => {
      const text = log()
      return {
        logLines: text.split('\n').length,
        errorResponses: errorResponses.length,
        inLogs: findSecrets(text, knownSecrets),
        inErrorResponses: errorResponses.flatMap((text) => findSecrets(text, knownSecrets)),
      }
    },
    close: async (): Promise<void> => {
      await system.close()
      await cleanUp()
    },
  }
}
