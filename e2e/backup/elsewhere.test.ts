import { cpSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { provisionAndMigrate } from '@clientele/stack/backing/provision'
import { type Secrets, secretsOf } from '@clientele/stack/profile/secrets'
import { databaseUrl, services } from '@clientele/stack/profile/services'
import { npmRun, type Run, startEnv } from '../start.process.ts'
import { startOwnParts } from './own-parts.ts'
import { openShop } from './shop.ts'

const minutes = 60_000

describe('backup and restore of an installation by its addresses', () => {
  let parts: Awaited<ReturnType<typeof startOwnParts>>
  let product: Run | undefined
  let gateway = ''
  let before: unknown
  let person: { username: string; password: string }
  const folder = (name: string) => join(parts.home, name)

  /** Of `npm start`, on the parts of this test. */
  const startEnvironment = (home: string) => ({
    ...startEnv(home, parts.ports),
    CLIENTELE_POSTGRES_URL: parts.postgresUrl,
    CLIENTELE_KEYCLOAK_URL: parts.keycloak.url,
    CLIENTELE_KEYCLOAK_ADMIN_PASSWORD: parts.keycloak.password,
  })
  /** What an operator gives: addresses, nothing of the local profile. */
  const addresses = (home: string) => {
    const secrets: Secrets = secretsOf(home)
    const place = { postgresUrl: parts.postgresUrl, secrets }
    const databases = services.flatMap((row) =>
      row.schema ? [[`${row.schema.name.toUpperCase()}_DATABASE_URL`, databaseUrl(row, place)]] : [],
    )
    return {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      ...Object.fromEntries(databases),
      MEDIA_FOLDER: join(home, 'media'),
      KEYCLOAK_DATABASE_URL: parts.keycloak.databaseUrl,
    }
  }
  const command = async (script: string, env: NodeJS.ProcessEnv, ...args: string[]) => {
    const run = npmRun(script, env, args)
    return { code: await run.ended, output: run.output() }
  }
  const start = async (home: string) => {
    product = npmRun('start', startEnvironment(home))
    await product.says('Clientele is ready', 3 * minutes)
  }
  const stop = async () => {
    product?.interrupt()
    await product?.ended
    product = undefined
  }

  beforeAll(async () => {
    parts = await startOwnParts()
    gateway = `http://localhost:${parts.ports.GATEWAY_PORT}`
    await parts.begin()
    mkdirSync(folder('old'))
    await start(folder('old'))
  }, 8 * minutes)

  afterAll(async () => {
    await stop()
    await parts.close()
  }, minutes)

  it(
    'the product runs on the oldest PostgreSQL at hand',
    async () => {
      process.stdout.write(`PostgreSQL ${parts.version}\n`)
      const shop = await openShop(gateway)
      expect(await shop.pages('orders')).toHaveLength(8)
      ;({ person } = await shop.work())
    },
    minutes,
  )

  it(
    'npm run backup saves it while people work',
    async () => {
      const shop = await openShop(gateway)
      let working = true
      const workers = [1, 2, 3].map(async () => {
        while (working) await shop.work()
      })
      const { code, output } = await command('backup', addresses(folder('old')), '--to', folder('busy'))
      working = false
      await Promise.all(workers)
      expect([code, output]).toEqual([0, expect.stringContaining('complete')])
    },
    2 * minutes,
  )

  it(
    'npm run consistency finds nothing wrong, and npm run backup saves what the API shows',
    async () => {
      const { code, output } = await command('consistency', addresses(folder('old')))
      expect([code, output]).toEqual([0, expect.stringContaining('all is well')])
      before = await (await openShop(gateway)).state()
      expect((await command('backup', addresses(folder('old')), '--to', folder('quiet'))).code).toBe(0)
    },
    2 * minutes,
  )

  it(
    'npm run restore refuses where services run, and where data are',
    async () => {
      const running = await command('restore', addresses(folder('old')), '--from', folder('quiet'))
      expect([running.code, running.output]).toEqual([1, expect.stringContaining('stop the services')])
      await stop()
      await parts.stopKeycloak()
      const full = await command('restore', addresses(folder('old')), '--from', folder('quiet'))
      expect([full.code, full.output]).toEqual([1, expect.stringContaining('--overwrite removes them')])
    },
    2 * minutes,
  )

  it(
    'restores a backup that was made while people worked, without a contradiction in it',
    async () => {
      rmSync(folder('old'), { recursive: true })
      await parts.begin()
      await parts.stopKeycloak()
      await provisionAndMigrate({ postgresUrl: parts.postgresUrl, secrets: secretsOf(folder('new')) })
      // Keycloak has made the realm, without people.
      const { code, output } = await command('restore', addresses(folder('new')), '--from', folder('busy'))
      expect([code, output]).toEqual([0, expect.stringContaining('all is well')])
    },
    4 * minutes,
  )

  it(
    'names a file that was changed, and one that is missing, and changes nothing',
    async () => {
      cpSync(folder('quiet'), folder('damaged'), { recursive: true })
      writeFileSync(join(folder('damaged'), 'database/customer-service/customers.copy.gz'), 'other bytes')
      rmSync(join(folder('damaged'), 'database/order-service/orders.copy.gz'))
      const args = ['--from', folder('damaged'), '--overwrite']
      const { code, output } = await command('restore', addresses(folder('new')), ...args)
      expect(code).toBe(1)
      expect(output).toContain('database/customer-service/customers.copy.gz was changed')
      expect(output).toContain('database/order-service/orders.copy.gz is missing')
    },
    minutes,
  )

  it(
    'restores over it what the API showed, with people, passwords and photos',
    async () => {
      const args = ['--from', folder('quiet'), '--overwrite']
      const { code, output } = await command('restore', addresses(folder('new')), ...args)
      expect([code, output]).toEqual([0, expect.stringContaining('all is well')])
      await parts.startKeycloak()
      await start(folder('new'))
      const shop = await openShop(gateway)
      expect(await shop.state()).toEqual(before)
      await openShop(gateway, person.username, person.password)
      await shop.work()
    },
    5 * minutes,
  )

  it(
    'npm run consistency names a photo that is gone, one that was changed, and stock that is wrong',
    async () => {
      const media = join(folder('new'), 'media')
      const files = readdirSync(media, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('.original'),
      )
      const [gone = '', changed = ''] = files
      rmSync(join(media, gone))
      writeFileSync(join(media, changed), 'other bytes')
      const { code, output } = await command('consistency', addresses(folder('new')))
      expect(code).toBe(1)
      expect(output).toContain(`${gone} is missing`)
      expect(output).toContain(`${changed} has other bytes`)
      expect(output).toContain('1 of')
    },
    minutes,
  )
})
