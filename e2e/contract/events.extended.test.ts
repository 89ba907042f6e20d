import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { client } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { createSignedInUser, type SignedInUser } from '@clientele/platform/testing/tokens'
import { eventually } from '@clientele/platform/testing/wait'
import { type System, startSystem } from '../system.ts'

const root = resolve(import.meta.dirname, '../..')
const document = readFileSync(join(root, 'docs/events.md'), 'utf8')
const folder = mkdtempSync(join(tmpdir(), 'clientele-events-'))
const name = `erp-${randomBytes(4).toString('hex')}`

let system: System
let user: SignedInUser
beforeAll(async () => {
  system = await startSystem()
  user = await createSignedInUser(['user'])
  // The commands run in a copy, so that what they install is not left in the repository.
  cpSync(join(root, 'examples'), join(folder, 'examples'), {
    recursive: true,
    filter: (path) => !/node_modules|\.venv/.test(path),
  })
  for (const each of ['package.json', '.npmrc', 'services.json', 'stack', 'contracts'])
    symlinkSync(join(root, each), join(folder, each))
}, 600_000)
afterAll(async () => {
  await system?.broker.management('DELETE', `/users/${name}`).catch(() => undefined)
  await system?.close()
  rmSync(folder, { recursive: true, force: true })
}, 60_000)

/** The commands of a block of the document, for the broker of this test: another address, virtual host and account. */
const commandsOf = (block: string): string => {
  const commands = new RegExp(`^\`\`\`sh ${block}\\n(.*?)^\`\`\`$`, 'ms').exec(document)?.[1]
  if (commands === undefined) throw new Error(`docs/events.md has no block "${block}"`)
  const { host, pathname } = new URL(system.broker.url)
  return commands
    .replace('localhost:5674', `${host}${pathname}`)
    .replace('--name erp', `--name erp --vhost ${pathname.slice(1)}`)
    .replaceAll(/\berp\b/g, name)
}

type Running = { output: () => string; hasEnded: () => boolean; stop(): Promise<void> }
const running = new Set<ChildProcess>()
const hasEnded = ({ exitCode, signalCode }: ChildProcess): boolean => exitCode !== null || signalCode !== null
const killGroup = async (shell: ChildProcess): Promise<void> => {
  if (hasEnded(shell) || shell.pid === undefined) return
  const closed = once(shell, 'close')
  process.kill(-shell.pid, 'SIGKILL')
  await closed
}
afterEach(async () => {
  for (const shell of running) await killGroup(shell)
  running.clear()
})

/** Creates the account as the document says, and runs the commands of a consumer until `stop`. */
const startConsumer = (block: string): Running => {
  const shell = spawn('bash', ['-ec', `${commandsOf('account')}\n${commandsOf(block)}`], {
    cwd: folder,
    detached: true,
    env: {
      ...process.env,
      RABBITMQ_ADMIN_URL: testEnv('TEST_RABBITMQ_MANAGEMENT_URL'),
      QUEUE: `${name}.${block}`,
      npm_config_prefer_offline: 'true',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  running.add(shell)
  let output = ''
  for (const stream of [shell.stdout, shell.stderr]) stream.on('data', (chunk) => (output += String(chunk)))
  return { output: () => output, hasEnded: () => hasEnded(shell), stop: () => killGroup(shell) }
}

const prints = async (consumer: Running, text: string | RegExp): Promise<void> => {
  const isDone = () => consumer.hasEnded() || consumer.output().match(text) !== null
  await eventually(() => expect(isDone()).toBe(true), { timeoutMs: 120_000, everyMs: 200 })
  expect(consumer.output()).toMatch(text)
}

it.each(['node', 'python'])(
  'the commands of docs/events.md lead to a running consumer in %s, which gets what happened while it was stopped',
  async (block) => {
    const api = client(system.gateway, user.token)
    const first = startConsumer(block)
    await prints(first, /waiting for customer.#,order.#/)

    const { body: customer } = await api.post('/v1/customers', { name: 'Ana', surname: block })
    await prints(first, `customer.created.v1 ${customer.id} version 1 changed everything`)
    await first.stop()

    await api.patch(`/v1/customers/${customer.id}`, { phone: '+254700000001' })
    const order = { customerId: customer.id, lines: [{ description: 'Tea', quantity: 1, unitPrice: '2.50' }] }
    const { status, body: placed } = await api.post('/v1/orders', order)
    expect(status).toBe(201)
    await api.post(`/v1/orders/${placed.id}/cancel`, {})

    const second = startConsumer(block)
    await prints(second, new RegExp(`customer.updated.v1 ${customer.id} version 2 changed .*phone`))
    await prints(second, `order.placed.v1 ${placed.id} version 1`)
    await prints(second, `order.cancelled.v1 ${placed.id} version 2`)
    expect(second.output()).not.toContain('customer.created.v1')
    await second.stop()
  },
  300_000,
)
