import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@clientele/platform/testing/wait'
import type { Ports } from '@clientele/stack/profile/ports'
import { openBrowser } from '../browser.ts'
import { takePicture, takeTour, tourBlocks } from '../readme.ts'
import { findProcesses, freeProductPorts, type NpmProcess, productEnv, runNpm } from '../start.process.ts'

const ready = 'Clientele is ready'
const firstStartMs = 180_000
const warmStartMs = 90_000
const stopMs = 60_000
/** The mean difference of grey values (0 to 255) that fonts may cause. Another text or layout causes far more. */
const maxPictureDifference = 6

const isFree = (port: number, host = '127.0.0.1'): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen({ port, host, exclusive: true }, () => server.close(() => resolve(true)))
  })

describe('npm start', () => {
  // No other account of the machine can read this folder, as with a clone in root's home.
  const folder = mkdtempSync(join(tmpdir(), 'clientele-start-'))
  const home = join(folder, 'data')
  let ports: Ports
  let env: NodeJS.ProcessEnv = {}
  let product: NpmProcess
  let gateway = ''
  let customerId = ''

  const launcherPid = (): number =>
    (JSON.parse(readFileSync(join(home, 'launcher.json'), 'utf8')) as { pid: number }).pid
  const signIn = async (username: string) => {
    const response = await fetch(`${gateway}/v1/auth/login`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ username, password: '12345' }),
    })
    expect(response.status).toBe(200)
    return { authorization: `Bearer ${((await response.json()) as { accessToken: string }).accessToken}` }
  }

  beforeAll(async () => {
    ports = await freeProductPorts()
    env = productEnv(home, ports)
    gateway = `http://localhost:${ports.GATEWAY_PORT}`
  })

  afterAll(async () => {
    if (product.child.exitCode === null && product.child.signalCode === null) product.interrupt()
    await product.exited
    rmSync(folder, { recursive: true, force: true })
  }, stopMs)

  it(
    'npm start starts everything in an empty folder and prints all addresses',
    async () => {
      product = runNpm('start', env)
      await product.waitForOutput(ready, firstStartMs)
      await product.waitForOutput('stops everything', 5000)
      for (const part of [
        gateway,
        `${gateway}/docs`,
        `http://localhost:${ports.KEYCLOAK_PORT}/admin/`,
        `http://localhost:${ports.RABBITMQ_MANAGEMENT_PORT}`,
        'curl',
      ])
        expect(product.output()).toContain(part)
      expect(product.output()).toMatch(/admin +12345 +role admin\n +user +12345 +role user/)
    },
    firstStartMs + 10_000,
  )

  it('the demo data has twenty customers with photos, whose links work without a token', async () => {
    const headers = await signIn('user')
    const response = await fetch(`${gateway}/v1/customers?limit=50`, { headers })
    const { data } = (await response.json()) as { data: { id: string; photoUrl: string | null }[] }
    expect(data).toHaveLength(20)
    customerId = data[0]?.id ?? ''
    for (const { photoUrl } of data) {
      const photo = await fetch(new URL(photoUrl ?? 'missing:', gateway))
      expect(photo.status).toBe(200)
      expect(photo.headers.get('content-type')).toMatch(/^image\//)
      await photo.body?.cancel()
    }
  })

  it('the demo data has products and orders, and an SMS or an e-mail for each order', async () => {
    const headers = await signIn('user')
    const listed = async (path: string) =>
      ((await (await fetch(`${gateway}${path}`, { headers })).json()) as { data: Record<string, string>[] }).data
    expect(await listed('/v1/products')).toHaveLength(10)
    expect((await listed('/v1/orders')).map(({ status }) => status).sort()).toEqual([
      'cancelled',
      'fulfilled',
      'fulfilled',
      'fulfilled',
      'placed',
      'placed',
      'placed',
      'placed',
    ])
    await eventually(async () => {
      const messages = await listed('/v1/notifications')
      expect(messages).toHaveLength(8)
      // One of the orders is cancelled, perhaps before its message is sent.
      const sent = messages.filter(({ reason }) => reason !== 'order_cancelled')
      expect(sent.length).toBeGreaterThan(6)
      expect(new Set(sent.map(({ status }) => status))).toEqual(new Set(['sent']))
      // Most of the demo customers have the number of a landline.
      expect(new Set(sent.map(({ channel, provider }) => `${channel} ${provider}`))).toEqual(
        new Set(['sms catcher', 'email smtp']),
      )
    })
  })

  it('the timeline of a demo customer tells of changes, orders and messages, newest first', async () => {
    const headers = await signIn('user')
    const read = async (path: string) =>
      (await (await fetch(`${gateway}${path}`, { headers })).json()) as { id: string; data: { type: string }[] }
    const { id } = await read('/v1/customers/demo-1?idBy=externalId')
    await eventually(async () => {
      const types = (await read(`/v1/customers/${id}/timeline`)).data.map(({ type }) => type)
      expect(types.at(-1)).toBe('customer.created.v1')
      const updates = types.flatMap((type, index) => (type === 'customer.updated.v1' ? [index] : []))
      expect(updates).toHaveLength(2)
      expect(types.indexOf('order.fulfilled.v1')).toBeGreaterThan(Math.max(...updates))
      expect(types.indexOf('order.placed.v1')).toBeGreaterThan(types.indexOf('order.fulfilled.v1'))
      expect(types).toContain('notification.sent.v1')
    })
  })

  it('the demo admin can list users, and the demo user cannot', async () => {
    const list = async (username: string) =>
      (await fetch(`${gateway}/v1/users`, { headers: await signIn(username) })).status
    expect(await list('admin')).toBe(200)
    expect(await list('user')).toBe(403)
  })

  it('secrets.json is readable by its owner only', () => {
    expect(statSync(join(home, 'secrets.json')).mode & 0o777).toBe(0o600)
  })

  it('a second npm start says that Clientele is already running, and changes nothing', async () => {
    const before = launcherPid()
    const second = runNpm('start', env)
    expect(await second.exited).toBe(0)
    expect(second.output()).toContain(`Clientele is already running at ${gateway}`)
    expect(launcherPid()).toBe(before)
    expect((await fetch(`${gateway}/health/ready`)).status).toBe(200)
  }, 30_000)

  it('npm run doctor finds no problem after npm start', async () => {
    const doctor = runNpm('doctor', env)
    expect([await doctor.exited, doctor.output()]).toEqual([0, expect.stringContaining('all checks passed')])
  }, 60_000)

  it('the tour of the README works block by block, and leaves nothing behind', async () => {
    const blocks = tourBlocks()
    const printed = await takeTour(blocks, gateway, env)
    expect(Object.keys(printed)).toEqual([...new Set(blocks.map(({ title }) => title))])
    expect(printed).toEqual({
      'Set up': '',
      'Sign in': expect.stringContaining('"username":"user"'),
      'Create a customer': expect.stringMatching(/"code":"CUS-\d+".*"phone":"\+447700900018".*200 image\//s),
      'List and search': expect.stringMatching(/nextCursor.*Byron.*ada@example\.com/s),
      'Update it': expect.stringMatching(/200\n412\s*$/),
      'Place an order': expect.stringMatching(/"status":"placed".*sms.*insufficient_stock.*20[04]\s*$/s),
      'Import a spreadsheet': expect.stringContaining('imported 2 rows: 1 new, 0 changed, 0 skipped, 1 failed'),
      'Send invalid data': expect.stringMatching(/\/name.*\/phone.*version/s),
      'Reset a password': expect.any(String),
      'Revoke access': expect.stringMatching(/before: 200\n.*after 5 s: 401\s*$/s),
      'Clean up': expect.stringMatching(/204\n204\n.*undone: 1 moved to the trash, 0 restored\s*$/s),
    })
    const mails = await fetch(`http://localhost:${ports.MAIL_PORT}/messages?to=user@clientele.localhost`)
    expect(await mails.json()).toHaveLength(1)
    const list = await fetch(`${gateway}/v1/customers?limit=50`, { headers: await signIn('user') })
    expect(((await list.json()) as { data: unknown[] }).data).toHaveLength(20)
    await signIn('admin')
  }, 120_000)

  it('the pictures of the README show the product as it is', async () => {
    const browser = await openBrowser()
    try {
      expect(await takePicture(browser, `${gateway}/`, 'home.png')).toBeLessThan(maxPictureDifference)
      expect(await takePicture(browser, `${gateway}/docs`, 'docs.png')).toBeLessThan(maxPictureDifference)
    } finally {
      await browser.close()
    }
  }, 60_000)

  it('npm run clean removes nothing while Clientele runs', async () => {
    const clean = runNpm('clean', env, ['--yes'])
    expect(await clean.exited).not.toBe(0)
    expect(clean.output()).toContain('Stop it first')
    expect((await fetch(`${gateway}/health/ready`)).status).toBe(200)
  }, 30_000)

  it(
    'npm start after the launcher was killed stops the leftover processes and keeps the data',
    async () => {
      process.kill(launcherPid(), 'SIGKILL')
      await product.exited
      // The next test checks this address.
      env = { ...env, HOST: '127.0.0.2' }
      gateway = `http://127.0.0.2:${ports.GATEWAY_PORT}`
      product = runNpm('start', env)
      await product.waitForOutput(ready, warmStartMs)
      expect(product.output()).toContain('that an interrupted start left behind')
      const response = await fetch(`${gateway}/v1/customers/${customerId}`, { headers: await signIn('user') })
      expect(response.status).toBe(200)
    },
    warmStartMs + 10_000,
  )

  it('gateway and Keycloak listen on the address in HOST, and nothing else does', async () => {
    const realm = `http://127.0.0.2:${ports.KEYCLOAK_PORT}/realms/clientele`
    expect((await fetch(realm)).status).toBe(200)
    expect(product.output()).toContain(`${gateway}/docs`)
    const onHost = await Promise.all(Object.values(ports).map((port) => isFree(port, '127.0.0.2')))
    const taken = Object.keys(ports).filter((_, index) => !onHost[index])
    expect(taken.sort()).toEqual(['GATEWAY_PORT', 'KEYCLOAK_PORT'])
    await expect(fetch(`http://127.0.0.1:${ports.GATEWAY_PORT}`)).rejects.toThrow()
  })

  it('the launcher restarts a service that was killed', async () => {
    const record = JSON.parse(readFileSync(join(home, 'run', 'customer-service.json'), 'utf8')) as { pid: number }
    process.kill(record.pid, 'SIGKILL')
    await product.waitForOutput('restarts in', 10_000)
    const headers = await signIn('user')
    const end = Date.now() + 30_000
    let status = 0
    while (status !== 200 && Date.now() < end) {
      status = (await fetch(`${gateway}/v1/customers/${customerId}`, { headers })).status
    }
    expect(status).toBe(200)
  }, 60_000)

  it(
    'Ctrl-C stops every process and frees every port',
    async () => {
      product.interrupt()
      await product.exited
      expect(findProcesses(home)).toEqual([])
      expect(await Promise.all(Object.values(ports).map((port) => isFree(port)))).toEqual(
        Object.values(ports).map(() => true),
      )
    },
    stopMs,
  )

  it.each([
    ['HOST', 'banana', 'HOST is "banana", but must be an IP address'],
    ['LOG_LEVEL', 'loud', 'configuration: LOG_LEVEL'],
  ])(
    'npm start exits at once if %s is invalid, and prints why',
    async (name, value, message) => {
      const from = Date.now()
      const refused = runNpm('start', { ...env, [name]: value })
      expect(await refused.exited).toBe(1)
      expect(refused.output()).toContain(message)
      expect(Date.now() - from).toBeLessThan(60_000)
      expect(findProcesses(home)).toEqual([])
    },
    90_000,
  )

  it('npm start names a port that is in use, its process and the variable to change, and starts nothing', async () => {
    const holder = createServer()
    env = { ...env, HOST: '127.0.0.1' }
    await new Promise<void>((done) => holder.listen(ports.GATEWAY_PORT, '127.0.0.1', done))
    const refused = runNpm('start', env)
    expect(await refused.exited).not.toBe(0)
    expect(refused.output()).toContain(`port ${ports.GATEWAY_PORT} is in use by process ${process.pid}`)
    expect(refused.output()).toContain('GATEWAY_PORT=')
    expect(findProcesses(home)).toEqual([])
    await new Promise((done) => holder.close(done))
  }, 60_000)

  it(
    'Ctrl-C during a start leaves no process behind',
    async () => {
      const interrupted = runNpm('start', env)
      await interrupted.waitForOutput('postgres', warmStartMs)
      interrupted.interrupt()
      await interrupted.exited
      expect(findProcesses(home)).toEqual([])
    },
    warmStartMs + stopMs,
  )

  it(
    'a killed npm leaves no process behind',
    async () => {
      const interrupted = runNpm('start', env)
      await interrupted.waitForOutput('postgres', warmStartMs)
      interrupted.child.kill('SIGKILL')
      await eventually(() => expect(findProcesses(home)).toEqual([]), { timeoutMs: stopMs })
    },
    warmStartMs + stopMs,
  )

  it(
    'npm stop stops an npm start in another terminal, and succeeds if nothing runs',
    async () => {
      const started = runNpm('start', env)
      await started.waitForOutput('postgres', warmStartMs)
      const stop = runNpm('stop', env)
      expect(await stop.exited).toBe(0)
      // npm itself ends a moment after what it has started.
      await started.exited
      await eventually(() => expect(findProcesses(home)).toEqual([]))
      const again = runNpm('stop', env)
      expect([await again.exited, again.output()]).toEqual([0, expect.stringContaining('not running')])
    },
    warmStartMs + stopMs,
  )

  it('npm run clean without a terminal asks for --yes, and removes nothing', async () => {
    const clean = runNpm('clean', env)
    expect(await clean.exited).toBe(1)
    expect(clean.output()).toContain('--yes')
    expect(existsSync(home)).toBe(true)
  }, 30_000)

  it('npm run clean -- --yes removes the data folder', async () => {
    const clean = runNpm('clean', env, ['--yes'])
    expect(await clean.exited).toBe(0)
    expect(existsSync(home)).toBe(false)
  }, 30_000)
})
