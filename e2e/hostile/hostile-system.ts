import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Answer, client } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { newPerson, type SignedIn } from '@clientele/platform/testing/tokens'
import { makeRealm, secrets } from '../../user-service/test/realm.ts'
import { services } from '../services.ts'
import { startSystem } from '../system.ts'

type Overrides = NonNullable<Parameters<typeof startSystem>[0]>

export type HostileSystem = Awaited<ReturnType<typeof startHostileSystem>>

/** Tests send in minutes what people send in days. */
const manyRequests = { RATE_LIMIT_USER: '1000000', RATE_LIMIT_ADDRESS: '1000000' }

const jwt = /eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]+/
const address = /[\w.+-]+(?:@|%40)[\w-]+\.[a-z]{2,}/i
const around = (text: string, at: number): string => text.slice(Math.max(at - 150, 0), at + 150)

/** Where `text` tells a secret, with what surrounds it. */
export const secretsIn = (text: string, known: Iterable<string>): string[] => {
  const found = [...known].filter((secret) => text.includes(secret)).map((secret) => around(text, text.indexOf(secret)))
  const shaped = [jwt, address].flatMap((pattern) => {
    const at = text.search(pattern)
    return at === -1 ? [] : [around(text, at)]
  })
  return [...found, ...shaped]
}

/**
 * The whole product on a realm of the file's own, so that keys and locks can be changed; it logs all it can, and every
 * answer that was given through `as` is kept for the search for secrets.
 */
export const startHostileSystem = async (overrides: Overrides = {}, realmChange: Record<string, unknown> = {}) => {
  const realm = await makeRealm(realmChange)
  const issuer = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${realm.name}`
  const common = { KEYCLOAK_ISSUER: issuer, LOG_LEVEL: 'trace' }
  const environment: Overrides = {}
  for (const name of services) environment[name] = { ...common, ...overrides[name] }
  environment['gateway'] = { ...manyRequests, ...environment['gateway'] }
  environment['user-service'] = {
    KEYCLOAK_CLIENT_SECRET: secrets.CLIENTELE_USER_SERVICE_SECRET,
    LOGIN_CLIENT_SECRET: secrets.CLIENTELE_LOGIN_SECRET,
    ...environment['user-service'],
  }
  const folder = await mkdtemp(join(tmpdir(), 'clientele-hostile-'))
  const logFile = join(folder, 'log')
  const clear = async (): Promise<void> => {
    await Promise.all([realm.drop(), rm(folder, { recursive: true, force: true })])
  }
  const system = await startSystem(environment, { logFile }).catch(async (error: unknown) => {
    await clear()
    throw error
  })
  const log = (): string => readFileSync(logFile, 'utf8')

  const known = new Set<string>([...Object.values(secrets), new URL(testEnv('TEST_RABBITMQ_URL')).password])
  const refusals: string[] = []
  const record = (answer: Answer): Answer => {
    if (answer.status >= 400) refusals.push(JSON.stringify([answer.body, [...answer.headers]]))
    return answer
  }

  return {
    ...system,
    realm,
    issuer,
    log,
    /** A client whose refusals are searched at the end. */
    as: (token?: string, base: string = system.gateway) => {
      const { raw, get, post, put, patch, delete: remove } = client(base, token)
      const kept =
        <A extends unknown[]>(call: (...args: A) => Promise<Answer>) =>
        async (...args: A): Promise<Answer> =>
          record(await call(...args))
      return {
        raw: kept(raw),
        get: kept(get),
        post: kept(post),
        put: kept(put),
        patch: kept(patch),
        delete: kept(remove),
      }
    },
    /** Text that may stand in no log and in no refusal from now on. */
    secret: (...texts: string[]): void => {
      for (const text of texts) known.add(text)
    },
    /** Somebody new in this realm, signed in. */
    person: async (...roles: string[]): Promise<SignedIn> => {
      const person = await newPerson(roles, realm.name)
      for (const token of [person.token, person.refreshToken, person.idToken]) known.add(token.split('.')[2] ?? token)
      known.add(person.password).add(`${person.username}@`)
      return person
    },
    refused: (text: string): void => void refusals.push(text),
    /** What the logs and the refusals tell that they should not; and how much was searched. */
    leaks: () => {
      const text = log()
      return {
        logLines: text.split('\n').length,
        refusals: refusals.length,
        inLogs: secretsIn(text, known),
        inRefusals: refusals.flatMap((text) => secretsIn(text, known)),
      }
    },
    close: async (): Promise<void> => {
      await system.close()
      await clear()
    },
  }
}
