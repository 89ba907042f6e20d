import { randomUUID } from 'node:crypto'
import amqp from 'amqplib'
import type { Check } from './installation-checks.ts'

const timeoutMs = 8000

export const brokerCheck = (url: string): Check => ({
  name: 'broker',
  fix: 'start RabbitMQ, and check address, user and password in RABBITMQ_URL',
  run: async () => {
    const connection = await amqp.connect(url, { timeout: timeoutMs })
    await connection.close()
    return new URL(url).host
  },
})

/**
 * Checks that the accounts of services, by the name of the service, may not use every queue.
 * @param required false allows one account with all rights, as in a local profile with a broker of its own
 */
export const brokerAccountsCheck = (urls: ReadonlyMap<string, string>, required: boolean): Check => ({
  name: 'broker accounts',
  fix: 'give each service an account of its own with `npm run broker-account -- --service <name>`, and set its RABBITMQ_URL; see docs/operate.md, "Broker accounts"',
  run: async () => {
    const results = await Promise.all(
      [...urls].map(async ([name, url]) => ({ name, open: await mayUseEveryQueue(url) })),
    )
    const open = results.filter((result) => result.open).map(({ name }) => name)
    if (open.length > 0 && required) throw new Error(`no limited account: ${open.join(', ')}`)
    return open.length > 0
      ? 'one account for all services, which the local profile allows'
      : `${urls.size} limited accounts`
  },
})

const mayUseEveryQueue = async (url: string): Promise<boolean> => {
  const connection = await amqp.connect(url, { timeout: timeoutMs })
  connection.on('error', () => undefined)
  try {
    const channel = await connection.createChannel()
    channel.on('error', () => undefined)
    await channel.assertQueue(`doctor.${randomUUID()}`, { exclusive: true, autoDelete: true })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 403) return false
    throw error
  } finally {
    await connection.close().catch(() => undefined)
  }
}
