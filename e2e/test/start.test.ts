import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { eventually } from '@clientele/platform/testing/wait'
import type { Ports } from '@clientele/stack/profile/ports'
import { npmRun, processesWith, type Run, startEnv, startPorts } from '../start.process.ts'

const ready = 'Clientele is ready'
const firstStartMs = 180_000
const warmStartMs = 90_000
const stopMs = 60_000

const isFree = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer().once('error', () => resolve(false))
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)))
  })

describe('npm start (S0-24, S0-25, S0-26, S2-03)', () => {
  // Closed to other accounts, like a clone below root's home.
  const folder = mkdtempSync(join(tmpdir(), 'clientele-start-'))
  const home = join(folder, 'data')
  let ports: Ports
  let env: NodeJS.ProcessEnv = {}
  let product: Run
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
    ports = await startPorts()
    env = startEnv(home, ports)
    gateway = `http://localhost:${ports.GATEWAY_PORT}`
  })

  afterAll(async () => {
    if (product.child.exitCode === null && product.child.signalCode === null) product.interrupt()
    await product.ended
    rmSync(folder, { recursive: true, force: true })
  }, stopMs)

  it(
    'brings everything up from an empty folder and says where it is',
    async () => {
      product = npmRun('start', env)
      await product.says(ready, firstStartMs)
      await product.says('Ctrl-C stops everything', 5000)
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

  it('has twenty demo customers with photos that an <img> can load', async () => {
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

  it('has demo products and orders, and a text message for each customer who ordered', async () => {
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
      expect(messages.map(({ channel, status }) => `${channel} ${status}`)).toEqual(Array(8).fill('sms sent'))
    })
  })

  it('lets the demo admin see the people, and the demo user not', async () => {
    const list = async (username: string) =>
      (await fetch(`${gateway}/v1/users`, { headers: await signIn(username) })).status
    expect(await list('admin')).toBe(200)
    expect(await list('user')).toBe(403)
  })

  it('keeps its secrets to the owner of the data folder', () => {
    expect(statSync(join(home, 'secrets.json')).mode & 0o777).toBe(0o600)
  })

  it('a second npm start beside it says so and changes nothing', async () => {
    const before = launcherPid()
    const second = npmRun('start', env)
    expect(await second.ended).toBe(0)
    expect(second.output()).toContain(`Clientele already runs at ${gateway}`)
    expect(launcherPid()).toBe(before)
    expect((await fetch(`${gateway}/health/ready`)).status).toBe(200)
  }, 30_000)

  it('npm run doctor finds nothing wrong', async () => {
    const doctor = npmRun('doctor', env)
    expect([await doctor.ended, doctor.output()]).toEqual([0, expect.stringContaining('all is well')])
  }, 60_000)

  it('npm run clean refuses while it runs', async () => {
    const clean = npmRun('clean', env)
    expect(await clean.ended).not.toBe(0)
    expect(clean.output()).toContain('stop it first')
    expect((await fetch(`${gateway}/health/ready`)).status).toBe(200)
  }, 30_000)

  it(
    'after kill -9 of the launcher the next npm start clears up and starts, with the data',
    async () => {
      process.kill(launcherPid(), 'SIGKILL')
      await product.ended
      product = npmRun('start', env)
      await product.says(ready, warmStartMs)
      expect(product.output()).toContain('stopped what an interrupted start left behind')
      const response = await fetch(`${gateway}/v1/customers/${customerId}`, { headers: await signIn('user') })
      expect(response.status).toBe(200)
    },
    warmStartMs + 10_000,
  )

  it('a service that is killed comes back', async () => {
    const record = JSON.parse(readFileSync(join(home, 'run', 'customer-service.json'), 'utf8')) as { pid: number }
    process.kill(record.pid, 'SIGKILL')
    await product.says('starts again in', 10_000)
    const headers = await signIn('user')
    const end = Date.now() + 30_000
    let status = 0
    while (status !== 200 && Date.now() < end) {
      status = (await fetch(`${gateway}/v1/customers/${customerId}`, { headers })).status
    }
    expect(status).toBe(200)
  }, 60_000)

  it(
    'Ctrl-C stops everything that it started',
    async () => {
      product.interrupt()
      await product.ended
      expect(processesWith(home)).toEqual([])
      expect(await Promise.all(Object.values(ports).map(isFree))).toEqual(Object.values(ports).map(() => true))
    },
    stopMs,
  )

  it('names a taken port, its holder and the variable that moves it, and starts nothing', async () => {
    const holder = createServer()
    await new Promise<void>((done) => holder.listen(ports.GATEWAY_PORT, '127.0.0.1', done))
    const refused = npmRun('start', env)
    expect(await refused.ended).not.toBe(0)
    expect(refused.output()).toContain(`port ${ports.GATEWAY_PORT} is taken by process ${process.pid}`)
    expect(refused.output()).toContain('GATEWAY_PORT=')
    expect(processesWith(home)).toEqual([])
    await new Promise((done) => holder.close(done))
  }, 60_000)

  it(
    'Ctrl-C in the middle of a start leaves nothing either',
    async () => {
      const begun = npmRun('start', env)
      await begun.says('postgres', warmStartMs)
      begun.interrupt()
      await begun.ended
      expect(processesWith(home)).toEqual([])
    },
    warmStartMs + stopMs,
  )

  it(
    'kill -9 of npm itself stops everything too',
    async () => {
      const begun = npmRun('start', env)
      await begun.says('postgres', warmStartMs)
      begun.child.kill('SIGKILL')
      await eventually(() => expect(processesWith(home)).toEqual([]), { timeoutMs: stopMs })
    },
    warmStartMs + stopMs,
  )

  it('npm run clean removes the data', async () => {
    const clean = npmRun('clean', env)
    expect(await clean.ended).toBe(0)
    expect(existsSync(home)).toBe(false)
  }, 30_000)
})
