import { randomUUID } from 'node:crypto'
import { testEnv } from '@clientele/platform/testing/database'
import { operatorAccount, processAccount, provisionBroker } from '@clientele/stack/broker/accounts'
import { managementApi, vhostOf, withAccount } from '@clientele/stack/broker/management-api'
import { type ServiceName, services, valueFor } from './services.ts'

/** Creates the accounts of all services and of the operator, for the virtual host of `url` only. */
export const createBrokerAccounts = async (url: string) => {
  const management = managementApi(testEnv('TEST_RABBITMQ_MANAGEMENT_URL'))
  const vhost = vhostOf(url)
  const accounts = Object.fromEntries(
    services.map((name) => [name, processAccount(name, randomUUID(), `${vhost}-${name}`)] as const),
  )
  const operator = operatorAccount(randomUUID(), `${vhost}-operator`)
  const all = [...Object.values(accounts), operator]
  await provisionBroker(management, vhost, all)
  return {
    /** The URL of the broker with the account of a service. */
    url: (name: ServiceName): string => {
      const account = valueFor(accounts, name)
      return withAccount(url, account.name, account.password)
    },
    operatorUrl: withAccount(url, operator.name, operator.password),
    remove: async (): Promise<void> => {
      for (const { name } of all) await management('DELETE', `users/${name}`)
    },
  }
}
