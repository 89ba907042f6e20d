import {
  accountOf,
  type BrokerPermissions,
  brokerOperator,
  brokerProcesses,
  eventExchange,
  operatorPermissions,
  permissionsOf,
  type TopicPermissions,
} from '@clientele/contracts/broker-accounts'
import { brokerSecret, type Secrets, secretOf } from '../profile/secrets.ts'
import { type ManagementApi, managementApi, vhostOf } from './management-api.ts'

/** An account of RabbitMQ. Without `tags` it cannot use the management API. */
export type BrokerAccount = {
  name: string
  password: string
  tags?: string
  permissions: BrokerPermissions
  topics: TopicPermissions
}

/** The account of a service or of the gateway, with the permissions that services.json gives it. */
export const processAccount = (process: string, password: string, name = accountOf(process)): BrokerAccount => ({
  name,
  password,
  ...permissionsOf(process),
})

/** The account of `npm run dead-letters`, `npm run restore` and `npm run doctor`. */
export const operatorAccount = (password: string, name = brokerOperator): BrokerAccount => ({
  name,
  password,
  tags: 'management',
  ...operatorPermissions,
})

/** Creates the accounts of the local profile. `url` names the virtual host. */
export const provisionLocalBroker = async (managementUrl: string, url: string, secrets: Secrets): Promise<void> => {
  const accounts = [
    ...brokerProcesses().map((process) => processAccount(process, secretOf(secrets, brokerSecret(process)))),
    operatorAccount(secrets.brokerOperator),
  ]
  await provisionBroker(managementApi(managementUrl), vhostOf(url), accounts)
}

/**
 * Creates the exchange of all events, and accounts with exactly these passwords, tags and permissions. Existing accounts are
 * changed; open connections stay open.
 */
export const provisionBroker = async (
  management: ManagementApi,
  vhost: string,
  accounts: readonly BrokerAccount[],
): Promise<void> => {
  const host = encodeURIComponent(vhost)
  await management('PUT', `exchanges/${host}/${eventExchange}`, { type: 'topic', durable: true })
  const provision = async ({ name, password, tags = '', permissions, topics }: BrokerAccount): Promise<void> => {
    const user = encodeURIComponent(name)
    await management('PUT', `users/${user}`, { password, tags })
    // Without topic permissions an account may use all types, so they come first.
    await management('PUT', `topic-permissions/${host}/${user}`, { exchange: eventExchange, ...topics })
    await management('PUT', `permissions/${host}/${user}`, permissions)
  }
  await Promise.all(accounts.map(provision))
}
