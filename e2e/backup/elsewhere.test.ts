import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { provisionAndMigrate } from '@clientele/stack/backing/provision'
import { type Secrets, secretsOf } from '@clientele/stack/profile/secrets'
import { databaseUrl, ownerDatabaseUrl, services } from '@clientele/stack/profile/services'
import pg from 'pg'
import { type NpmProcess, productEnv, runNpm } from '../start.process.ts'
import { startBackingServices } from './backing-services.ts'
import { openShop } from './shop.ts'

const minuteMs = 60_000

describe('Backup and restore of an installation that is given by its addresses', () => {
  let backing: Awaited<ReturnType<typeof startBackingServices>>
  let product: NpmProcess | undefined
  let gateway = ''
  let before: unknown
  let user: { username: string; password: string }
  const folder = (name: string) => join(backing.home, name)

  /** The environment of `npm start` on these backing services. */
  const startEnvironment = (home: string) => ({
    ...productEnv(home, backing.ports),
    CLIENTELE_POSTGRES_URL: backing.postgresUrl,
    CLIENTELE_KEYCLOAK_URL: backing.keycloak.url,
    CLIENTELE_KEYCLOAK_ADMIN_PASSWORD: backing.keycloak.password,
  })
  /** The settings of an operator: addresses only, nothing of the local profile. */
  const operatorEnvironment = (home: string) => {
    const secrets: Secrets = secretsOf(home)
    const installation = { postgresUrl: backing.postgresUrl, secrets }
    const databases = services.flatMap((row) =>
      row.schema ? [[`${row.schema.name.toUpperCase()}_DATABASE_URL`, databaseUrl(row, installation)]] : [],
    )
    return {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      ...Object.fromEntries(databases),
      OWNER_DATABASE_URL: ownerDatabaseUrl(installation),
      MEDIA_FOLDER: join(home, 'media'),
      KEYCLOAK_DATABASE_URL: backing.keycloak.databaseUrl,
    }
  }
  const npmCommand = async (script: string, env: NodeJS.ProcessEnv, ...args: string[]) => {
    const run = runNpm(script, env, args)
    return { code: await run.exited, output: run.output() }
  }
  const start = async (home: string) => {
    product = runNpm('start', startEnvironment(home))
    await product.waitForOutput('Clientele is ready', 3 * minuteMs)
  }
  const stop = async () => {
    product?.interrupt()
    await product?.exited
    product = undefined
  }

  beforeAll(async () => {
    backing = await startBackingServices()
    gateway = `http://localhost:${backing.ports.GATEWAY_PORT}`
    await backing.reset()
    mkdirSync(folder('old'))
    await start(folder('old'))
  }, 8 * minuteMs)

  afterAll(async () => {
    await stop()
    await backing.close()
  }, minuteMs)

  it(
    'the product runs on the oldest PostgreSQL of this machine',
    async () => {
      process.stdout.write(`PostgreSQL ${backing.version}\n`)
      const shop = await openShop(gateway)
      expect(await shop.listAll('orders')).toHaveLength(8)
      ;({ user } = await shop.createRecords())
    },
    minuteMs,
  )

  it(
    'npm run backup saves an installation while records are created',
    async () => {
      const shop = await openShop(gateway)
      let isWorking = true
      const workers = [1, 2, 3].map(async () => {
        while (isWorking) await shop.createRecords()
      })
      const { code, output } = await npmCommand('backup', operatorEnvironment(folder('old')), '--to', folder('busy'))
      isWorking = false
      await Promise.all(workers)
      expect([code, output]).toEqual([0, expect.stringContaining('complete')])
    },
    2 * minuteMs,
  )

  it(
    'npm run consistency finds no problem, and npm run backup saves what the API shows',
    async () => {
      const { code, output } = await npmCommand('consistency', operatorEnvironment(folder('old')))
      expect([code, output]).toEqual([0, expect.stringContaining('all checks passed')])
      before = await (await openShop(gateway)).snapshot()
      expect((await npmCommand('backup', operatorEnvironment(folder('old')), '--to', folder('quiet'))).code).toBe(0)
      const { auditHead } = JSON.parse(readFileSync(join(folder('quiet'), 'manifest.json'), 'utf8'))
      const end = { seq: expect.any(Number), hash: expect.stringMatching(/^[0-9a-f]{64}$/) }
      expect(auditHead).toEqual({ lasting: end, passing: end })
    },
    2 * minuteMs,
  )

  it(
    'npm run restore refuses to run while services run, if there are data, or without the owner of the schemas',
    async () => {
      const running = await npmCommand('restore', operatorEnvironment(folder('old')), '--from', folder('quiet'))
      expect([running.code, running.output]).toEqual([1, expect.stringContaining('stop the services')])
      await stop()
      await backing.stopKeycloak()
      const full = await npmCommand('restore', operatorEnvironment(folder('old')), '--from', folder('quiet'))
      expect([full.code, full.output]).toEqual([1, expect.stringContaining('add --overwrite to replace it')])
      const withoutOwner = { ...operatorEnvironment(folder('old')), OWNER_DATABASE_URL: '' }
      const refused = await npmCommand('restore', withoutOwner, '--from', folder('quiet'), '--overwrite')
      expect([refused.code, refused.output]).toEqual([1, expect.stringContaining('set OWNER_DATABASE_URL')])
    },
    2 * minuteMs,
  )

  it(
    'a backup that was made while records were created is restored consistently',
    async () => {
      rmSync(folder('old'), { recursive: true })
      await backing.reset()
      await backing.stopKeycloak()
      await provisionAndMigrate({ postgresUrl: backing.postgresUrl, secrets: secretsOf(folder('new')) })
      // Keycloak has created the realm, without users.
      const { code, output } = await npmCommand('restore', operatorEnvironment(folder('new')), '--from', folder('busy'))
      expect([code, output]).toEqual([0, expect.stringContaining('all checks passed')])
    },
    4 * minuteMs,
  )

  it(
    'npm run restore names a changed and a missing file of the backup, and changes nothing',
    async () => {
      cpSync(folder('quiet'), folder('damaged'), { recursive: true })
      writeFileSync(join(folder('damaged'), 'database/customer-service/customers.copy.gz'), 'other bytes')
      rmSync(join(folder('damaged'), 'database/order-service/orders.copy.gz'))
      const args = ['--from', folder('damaged'), '--overwrite']
      const { code, output } = await npmCommand('restore', operatorEnvironment(folder('new')), ...args)
      expect(code).toBe(1)
      expect(output).toContain('database/customer-service/customers.copy.gz was changed')
      expect(output).toContain('database/order-service/orders.copy.gz is missing')
    },
    minuteMs,
  )

  it(
    'npm run restore -- --overwrite brings back what the API showed, with users, passwords and photos',
    async () => {
      const args = ['--from', folder('quiet'), '--overwrite']
      const { code, output } = await npmCommand('restore', operatorEnvironment(folder('new')), ...args)
      expect([code, output]).toEqual([0, expect.stringContaining('all checks passed')])
      await backing.startKeycloak()
      await start(folder('new'))
      const shop = await openShop(gateway)
      expect(await shop.snapshot()).toEqual(before)
      await openShop(gateway, user.username, user.password)
      await shop.createRecords()
    },
    5 * minuteMs,
  )

  it(
    'npm run consistency names a missing and a changed photo',
    async () => {
      const media = join(folder('new'), 'media')
      const files = readdirSync(media, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('.original'),
      )
      const [missing = '', changed = ''] = files
      rmSync(join(media, missing))
      writeFileSync(join(media, changed), 'other bytes')
      const { code, output } = await npmCommand('consistency', operatorEnvironment(folder('new')))
      expect(code).toBe(1)
      expect(output).toContain(`${missing} is missing`)
      expect(output).toContain(`${changed} has another checksum`)
      expect(output).toContain('1 of')
    },
    minuteMs,
  )

  it(
    'npm run consistency names a recorded event that was removed',
    async () => {
      const { ACTIVITY_DATABASE_URL } = operatorEnvironment(folder('new')) as Record<string, string>
      const database = new pg.Client(ACTIVITY_DATABASE_URL)
      await database.connect()
      await database.query(`delete from events where seq = (select seq from head where class = 'lasting')`)
      await database.end()
      const { code, output } = await npmCommand('consistency', operatorEnvironment(folder('new')))
      expect(code).toBe(1)
      expect(output).toMatch(/the last event of the class lasting is \d+, but the head says \d+/)
    },
    minuteMs,
  )
})
