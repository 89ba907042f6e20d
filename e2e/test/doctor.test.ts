import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { schemaOf } from '../services.ts'
import { type System, startSystem } from '../system.ts'

const doctor = fileURLToPath(new URL('../../stack/src/doctor.ts', import.meta.url))

describe('the doctor, told of an installation by the environment alone', () => {
  let system: System
  let env: Record<string, string>
  const ask = (changes: Record<string, string> = {}) =>
    new Promise<{ code: number; output: string }>((resolve) => {
      const options = { env: { PATH: process.env['PATH'], ...env, ...changes } }
      execFile(process.execPath, [doctor], options, (error, stdout, stderr) =>
        resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
      )
    })

  beforeAll(async () => {
    system = await startSystem()
    const keycloak = testEnv('TEST_KEYCLOAK_URL')
    env = {
      PROFILE: 'local',
      PUBLIC_URL: 'http://localhost:8000',
      GATEWAY_URL: system.gateway,
      KEYCLOAK_URL: keycloak,
      KEYCLOAK_ISSUER: `${keycloak}/realms/clientele`,
      KEYCLOAK_CLIENT_SECRET: testEnv('CLIENTELE_USER_SERVICE_SECRET'),
      LOGIN_CLIENT_SECRET: testEnv('CLIENTELE_LOGIN_SECRET'),
      CLIENTELE_KEYCLOAK_ADMIN_USER: testEnv('TEST_KEYCLOAK_ADMIN_USER'),
      CLIENTELE_KEYCLOAK_ADMIN_PASSWORD: testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD'),
      RABBITMQ_URL: system.broker.url,
      ...Object.fromEntries(
        Object.entries(schemaOf).map(([name, schema]) => [
          `${schema.toUpperCase()}_DATABASE_URL`,
          system.database(name),
        ]),
      ),
      MEDIA_FOLDER: system.mediaFolder,
      SMTP_URL: `smtp://127.0.0.1:${testEnv('TEST_SMTP_PORT')}`,
    }
  }, 60_000)
  afterAll(() => system.close())

  it('finds nothing wrong with one that is well', async () => {
    const { code, output } = await ask()
    expect([code, output]).toEqual([0, expect.stringContaining('all is well')])
    for (const name of ['PostgreSQL', 'mail server', 'SMS provider', 'Keycloak keeps events', 'realm settings'])
      expect(output).toContain(`ok    ${name}`)
  }, 60_000)

  it.each([
    ['TLS', { PROFILE: 'production' }, 'can be read on the way'],
    ['issuer', { KEYCLOAK_ISSUER: 'https://sign-in.example.com/realms/clientele' }, 'expected https://sign-in'],
    ['redirect address', { PUBLIC_URL: 'https://elsewhere.example.com' }, 'to a sign-in from https://elsewhere'],
    ['clock', { KEYCLOAK_CLIENT_SECRET: 'of another realm' }, 'refuses the account of user-service'],
    ['broker', { RABBITMQ_URL: 'amqp://nobody:wrong@127.0.0.1:1' }, 'ECONNREFUSED'],
    ['schema of order-service', { ORDERS_DATABASE_URL: '$users' }, 'lacks'],
    ['photo store', { MEDIA_STORE: 'gcs' }, 'MEDIA_BUCKET is missing'],
    ['mail server', { SMTP_URL: 'smtp://127.0.0.1:1' }, 'ECONNREFUSED'],
    ['SMS provider', { SMS_PROVIDER: 'africastalking' }, 'user name or key is missing'],
    ['default passwords', { PROFILE: 'production', LOGIN_CLIENT_SECRET: 'wrong' }, 'Keycloak refuses the client'],
  ])('names what is wrong with %s, and its fix', async (name, changes: Record<string, string>, what) => {
    const values = Object.entries(changes).map(([key, value]) => [
      key,
      value === '$users' ? (env['USERS_DATABASE_URL'] ?? '') : value,
    ])
    const { code, output } = await ask(Object.fromEntries(values))
    expect(code).toBe(1)
    expect(output).toMatch(new RegExp(`FAULT ${name}: .*${what}.*\n +fix: `))
  })

  it('sees that Keycloak keeps no events', async () => {
    const realm = realmAdmin()
    const { body: config } = await realm.call<Record<string, unknown>>('GET', '/events/config')
    await realm.call('PUT', '/events/config', { ...config, adminEventsDetailsEnabled: false })
    try {
      expect((await ask()).output).toContain('FAULT Keycloak keeps events: admin events are kept without')
    } finally {
      await realm.call('PUT', '/events/config', config)
    }
  })

  it('lists what it needs to know', async () => {
    expect(await ask({ KEYCLOAK_ISSUER: '', RABBITMQ_URL: '' })).toEqual({
      code: 1,
      output: expect.stringContaining('KEYCLOAK_ISSUER, RABBITMQ_URL must be set'),
    })
  })
})
