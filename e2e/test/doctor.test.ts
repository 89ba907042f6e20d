import { execFile } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { envPrefix } from '@clientele/contracts/services'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin } from '@clientele/platform/testing/realm'
import pg from 'pg'
import { schemaOf, services } from '../services.ts'
import { type System, startSystem } from '../system.ts'

/** Values in the table below that stand for a variable. */
const references: Record<string, string> = { $users: 'USERS_DATABASE_URL', $broker: 'RABBITMQ_URL' }
const doctor = fileURLToPath(new URL('../../stack/src/doctor.ts', import.meta.url))

describe('npm run doctor, configured by environment variables', () => {
  let system: System
  let env: Record<string, string>
  const runDoctor = (changes: Record<string, string> = {}) =>
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
      GATEWAY_INTERNAL_URL: system.url('gateway:internal'),
      KEYCLOAK_URL: keycloak,
      KEYCLOAK_ISSUER: `${keycloak}/realms/clientele`,
      KEYCLOAK_CLIENT_SECRET: testEnv('CLIENTELE_USER_SERVICE_SECRET'),
      LOGIN_CLIENT_SECRET: testEnv('CLIENTELE_LOGIN_SECRET'),
      CLIENTELE_KEYCLOAK_ADMIN_USER: testEnv('TEST_KEYCLOAK_ADMIN_USER'),
      CLIENTELE_KEYCLOAK_ADMIN_PASSWORD: testEnv('TEST_KEYCLOAK_ADMIN_PASSWORD'),
      RABBITMQ_URL: system.broker.url,
      ...Object.fromEntries(services.map((name) => [`${envPrefix(name)}_RABBITMQ_URL`, system.brokerUrl(name)])),
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

  it('the doctor finds no problem in a healthy installation after npm run realm-upgrade', async () => {
    const home = await mkdtemp(join(tmpdir(), 'clientele-doctor-'))
    const upgrade = fileURLToPath(new URL('../../stack/src/realm-upgrade.ts', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [upgrade], {
      env: {
        PATH: process.env['PATH'],
        ...env,
        CLIENTELE_HOME: home,
        CLIENTELE_KEYCLOAK_URL: testEnv('TEST_KEYCLOAK_URL'),
      },
    })
    await rm(home, { recursive: true })
    expect(stdout).toContain('the realm is up to date')
    const { code, output } = await runDoctor()
    expect([code, output]).toEqual([0, expect.stringContaining('all checks passed')])
    for (const name of [
      'PostgreSQL',
      'mail server',
      'SMS provider',
      'Keycloak keeps events',
      'realm settings',
      'broker accounts',
      'order of names in order-service',
    ])
      expect(output).toContain(`ok    ${name}`)
  }, 60_000)

  it.each([
    ['TLS', { PROFILE: 'production' }, 'no TLS'],
    ['issuer', { KEYCLOAK_ISSUER: 'https://sign-in.example.com/realms/clientele' }, 'expected https://sign-in'],
    ['redirect address', { PUBLIC_URL: 'https://elsewhere.example.com' }, 'to a sign-in from https://elsewhere'],
    ['clock', { KEYCLOAK_CLIENT_SECRET: 'of another realm' }, 'refused the service account of user-service'],
    ['broker', { RABBITMQ_URL: 'amqp://nobody:wrong@127.0.0.1:1' }, 'ECONNREFUSED'],
    ['broker accounts', { PROFILE: 'production', MEDIA_SERVICE_RABBITMQ_URL: '$broker' }, 'account: media-service'],
    ['schema of order-service', { ORDERS_DATABASE_URL: '$users' }, 'migrations are missing'],
    ['photo store', { MEDIA_STORE: 'gcs' }, 'MEDIA_BUCKET is missing'],
    ['mail server', { SMTP_URL: 'smtp://127.0.0.1:1' }, 'ECONNREFUSED'],
    ['SMS provider', { SMS_PROVIDER: 'africastalking' }, 'AFRICASTALKING_API_KEY is not set'],
    ['default passwords', { PROFILE: 'production', LOGIN_CLIENT_SECRET: 'wrong' }, 'Keycloak refused the client'],
  ])(
    'the doctor reports what is wrong with %s and how to fix it',
    async (name, changes: Record<string, string>, what) => {
      const values = Object.entries(changes).map(([key, value]) => [key, env[references[value] ?? ''] ?? value])
      const { code, output } = await runDoctor(Object.fromEntries(values))
      expect(code).toBe(1)
      expect(output).toMatch(new RegExp(`FAIL  ${name}: .*${what}.*\n +fix: `))
    },
  )

  it('the doctor names the parts that are down, as the internal port of the gateway does', async () => {
    await system.terminate('media-service')
    try {
      const { code, output } = await runDoctor()
      const health = `${system.url('gateway:internal')}/health returned 503; media-service: no response`
      expect([code, output]).toEqual([1, expect.stringContaining(`FAIL  gateway and services: ${health}`)])
    } finally {
      await system.start('media-service')
    }
  })

  it('the doctor reports that Keycloak does not keep the details of admin events', async () => {
    const realm = realmAdmin()
    const { body: config } = await realm.call<Record<string, unknown>>('GET', '/events/config')
    await realm.call('PUT', '/events/config', { ...config, adminEventsDetailsEnabled: false })
    try {
      expect((await runDoctor()).output).toContain('FAIL  Keycloak keeps events: admin events are kept without')
    } finally {
      await realm.call('PUT', '/events/config', config)
    }
  })

  it('the doctor reports that names were sorted by another version of ICU', async () => {
    const client = new pg.Client(system.adminDatabase('customer-service'))
    await client.connect()
    const setVersion = (version: string) =>
      client.query(`update pg_collation set collversion = ${version} where collname = 'text_order'`)
    await setVersion(`'1.0'`)
    try {
      const { code, output } = await runDoctor()
      expect(code).toBe(1)
      expect(output).toMatch(
        /FAIL {2}order of names in customer-service: names were sorted by ICU 1\.0, and the server has .*\n +fix: .*operate/,
      )
    } finally {
      await setVersion('pg_collation_actual_version(oid)')
      await client.end()
    }
  })

  it('the doctor lists the environment variables that are missing', async () => {
    expect(await runDoctor({ KEYCLOAK_ISSUER: '', RABBITMQ_URL: '' })).toEqual({
      code: 1,
      output: expect.stringContaining('KEYCLOAK_ISSUER, RABBITMQ_URL must be set'),
    })
  })
})
