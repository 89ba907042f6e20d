import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import { connectTestBroker, type TestBroker, testBroker } from '@clientele/platform/testing/broker'
import { testEnv } from '@clientele/platform/testing/database'
import { projectRoot } from '../src/processes/folders.ts'

const exchange = 'clientele.events'
const name = `erp-${randomBytes(4).toString('hex')}`

let broker: TestBroker
beforeAll(async () => {
  broker = await testBroker()
})
afterAll(async () => {
  await broker?.management('DELETE', `/users/${name}`)
  await broker?.close()
})

const brokerAccount = (...args: string[]): Promise<{ code: number; output: string }> =>
  new Promise((resolve) => {
    const env = {
      PATH: process.env['PATH'],
      RABBITMQ_ADMIN_URL: testEnv('TEST_RABBITMQ_MANAGEMENT_URL'),
    }
    const vhost = ['--vhost', new URL(broker.url).pathname.slice(1)]
    const command = join(projectRoot, 'stack', 'src', 'broker-account.ts')
    execFile(process.execPath, [command, ...args, ...vhost], { env, timeout: 30_000 }, (error, stdout, stderr) =>
      resolve({ code: Number(error?.code ?? 0), output: stdout + stderr }),
    )
  })

/** Runs `work` on a channel of the account. Rejects if RabbitMQ closes it. */
const withChannel = async (
  password: string,
  work: (
    channel: Awaited<ReturnType<Awaited<ReturnType<typeof connectTestBroker>>['createConfirmChannel']>>,
  ) => Promise<unknown>,
): Promise<void> => {
  const model = await connectTestBroker(Object.assign(new URL(broker.url), { username: name, password }).href)
  try {
    const channel = await model.createConfirmChannel()
    const refused = new Promise((_resolve, reject) => channel.once('error', reject))
    await Promise.race([refused, work(channel).catch(() => refused)])
  } finally {
    await model.close()
  }
}
const passwordIn = (output: string): string => /^password {2}(\S+)/m.exec(output)?.[1] ?? ''

describe('npm run broker-account', () => {
  it('npm run broker-account creates an account that reads the chosen events and publishes nothing', async () => {
    const { code, output } = await brokerAccount('--name', name, '--types', 'customer.*, order.placed.v1')
    expect(code).toBe(0)
    expect(output).toContain(`account   ${name}\n`)
    const password = passwordIn(output)
    await withChannel(password, async (channel) => {
      const { queue } = await channel.assertQueue(`${name}.events`)
      for (const type of ['customer.created.v1', 'customer.#', 'order.placed.v1'])
        await channel.bindQueue(queue, exchange, type)
    })
    for (const type of ['user.created.v1', 'order.cancelled.v1', '#']) {
      const bind = withChannel(password, (channel) => channel.bindQueue(`${name}.events`, exchange, type))
      await expect(bind).rejects.toThrow(/ACCESS_REFUSED/)
    }
    const publish = withChannel(password, async (channel) => {
      channel.publish(exchange, 'customer.created.v1', Buffer.from('{}'))
      await channel.waitForConfirms()
    })
    await expect(publish).rejects.toThrow(/ACCESS_REFUSED/)
  }, 60_000)

  it('npm run broker-account gives an existing account a new password, and all events without --types', async () => {
    const [first, second] = [await brokerAccount('--name', name), await brokerAccount('--name', name)]
    await expect(withChannel(passwordIn(first.output), async () => {})).rejects.toThrow(/403/)
    await withChannel(passwordIn(second.output), async (channel) => {
      await channel.assertQueue(`${name}.events`)
      await channel.bindQueue(`${name}.events`, exchange, '#')
    })
  }, 60_000)

  it.each([
    [['--name', 'clientele'], 'which is a name of Clientele'],
    [['--name', 'my-customer-service'], 'which is a name of Clientele'],
    [['--name', 'ERP.*'], 'lower-case letters'],
    [['--name', 'erp', '--types', '#'], '"#" is neither like'],
    [['--service', 'till-service'], '--service must be one of user-service'],
    [['--name', 'erp', '--operator'], 'usage: npm run broker-account'],
    [[], 'usage: npm run broker-account'],
  ])('npm run broker-account %j is refused', async (args, message) => {
    expect(await brokerAccount(...args)).toEqual({ code: 1, output: expect.stringContaining(message) })
  })
})
