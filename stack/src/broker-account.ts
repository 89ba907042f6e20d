import { randomBytes } from 'node:crypto'
import {
  brokerAdministrator,
  brokerProcesses,
  consumerPermissions,
  processOfAccount,
} from '@clientele/contracts/broker-accounts'
import { type BrokerAccount, operatorAccount, processAccount, provisionBroker } from './broker/accounts.ts'
import { managementApi } from './broker/management-api.ts'
import { parseArguments } from './processes/arguments.ts'
import { fail, messageOf } from './processes/fail.ts'
import { loadSettings } from './profile/settings.ts'

const usage = `usage: npm run broker-account -- --name <name> [--types <types>]
       npm run broker-account -- --service <name>
       npm run broker-account -- --operator
Creates an account of RabbitMQ, or gives an existing one a new password, and prints it once.

  --name NAME      for a system of your own, such as erp. It can create queues whose names begin with erp. and bind them to
                   clientele.events; it can publish nothing
  --types TYPES    the events that it may read, separated by commas: customer.created.v1, or order.* for all of orders.
                   Default: all
  --service NAME   for a service of services.json or the gateway, with the rights that it needs: clientele-<name>
  --operator       for dead-letters, restore and doctor: clientele-operator
  --vhost VHOST    the virtual host of Clientele, default /

Environment: RABBITMQ_ADMIN_URL is the address of RabbitMQ's management page with the user and password of an
administrator; by default that of npm start. BROKER_PASSWORD is the password of the account; by default it is random.`

const options = {
  name: { type: 'string' },
  types: { type: 'string' },
  service: { type: 'string' },
  operator: { type: 'boolean' },
  vhost: { type: 'string', default: '/' },
} as const
const { values } = parseArguments({ options }, usage)

const namePattern = /^[a-z][a-z0-9-]{1,40}$/
const typePattern = /^[a-z_]+(\.\*|\.[a-z_]+\.v[0-9]+)$/

const consumerAccount = (name: string, password: string): BrokerAccount => {
  if (!namePattern.test(name)) return fail('--name must have 2 to 41 lower-case letters, digits and hyphens')
  if (name === brokerAdministrator || name === 'amq' || processOfAccount(name) !== undefined)
    return fail(`--name must not be ${name}, which is a name of Clientele`)
  const types = values.types?.split(',').map((type) => type.trim()) ?? []
  for (const type of types)
    if (!typePattern.test(type))
      return fail(`--types: "${type}" is neither like customer.created.v1 nor like customer.*`)
  const patterns = types.map((type) => type.replace(/\.\*$/, ''))
  return { name, password, ...consumerPermissions(name, patterns) }
}

const chosenAccount = (password: string): BrokerAccount => {
  const { name, service, operator, types } = values
  if ([name, service, operator].filter((value) => value !== undefined).length !== 1) return fail(usage)
  if (types !== undefined && name === undefined) return fail('--types is only for --name')
  if (name !== undefined) return consumerAccount(name, password)
  if (operator) return operatorAccount(password)
  if (!brokerProcesses().includes(service ?? ''))
    return fail(`--service must be one of ${brokerProcesses().join(', ')}`)
  return processAccount(service ?? '', password)
}

const localManagementUrl = (): string => {
  const { ports, secrets } = loadSettings()
  return `http://${brokerAdministrator}:${secrets.rabbitmq}@127.0.0.1:${ports.RABBITMQ_MANAGEMENT_PORT}`
}

const account = chosenAccount(process.env.BROKER_PASSWORD || randomBytes(32).toString('base64url'))
const managementUrl = process.env.RABBITMQ_ADMIN_URL || localManagementUrl()
try {
  await provisionBroker(managementApi(managementUrl), values.vhost, [account])
  console.log(`account   ${account.name}`)
  if (!process.env.BROKER_PASSWORD) console.log(`password  ${account.password}   (not stored; shown only now)`)
  if (account.name === values.name)
    console.log(`queues    ${account.name}.<purpose>, bound to the exchange clientele.events`)
} catch (error) {
  const unreachable = error instanceof TypeError
  fail(
    unreachable
      ? `RabbitMQ's management page does not respond at ${new URL(managementUrl).host}: run \`npm start\` first, or set RABBITMQ_ADMIN_URL`
      : `${messageOf(error)}; the account in RABBITMQ_ADMIN_URL must be an administrator`,
  )
}
