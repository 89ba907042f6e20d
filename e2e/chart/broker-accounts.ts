import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { brokerAdministrator, brokerProcesses, eventExchange } from '@clientele/contracts/broker-accounts'
import { type BrokerAccount, operatorAccount, processAccount } from '@clientele/stack/broker/accounts'
import { projectRoot } from '@clientele/stack/processes/folders'

/**
 * Writes RabbitMQ's accounts with the permissions that services.json gives them: as resources of the Messaging Topology Operator,
 * and as definitions for k8s/overlays/local. With `--check` it fails if a file is out of date.
 */
const overlays = join(projectRoot, 'k8s', 'overlays')
const header = '# Generated from services.json by npm run generate.\n'

const accounts = [
  ...brokerProcesses().map((process) => processAccount(process, `@${process}@`)),
  operatorAccount('@operator@'),
]

const topologyOf = ({ name, tags, permissions, topics }: BrokerAccount): object[] => {
  const secret = name.replace(/^clientele-/, 'clientele-rabbitmq-')
  const resource = (kind: string, spec: object) => ({
    ...{ apiVersion: 'rabbitmq.com/v1beta1', kind, metadata: { name } },
    spec: { ...spec, rabbitmqClusterReference: { name: 'clientele-rabbitmq' } },
  })
  const onVhost = { vhost: 'clientele', userReference: { name } }
  return [
    resource('User', { ...(tags && { tags: [tags] }), importCredentialsSecret: { name: secret } }),
    resource('TopicPermission', { ...onVhost, permissions: { exchange: eventExchange, ...topics } }),
    resource('Permission', { ...onVhost, permissions }),
  ]
}

const exchange = {
  ...{ apiVersion: 'rabbitmq.com/v1beta1', kind: 'Exchange', metadata: { name: 'clientele-events' } },
  spec: {
    ...{ name: eventExchange, type: 'topic', durable: true, vhost: 'clientele' },
    rabbitmqClusterReference: { name: 'clientele-rabbitmq' },
  },
}

const vhost = '/'
const all = { configure: '.*', write: '.*', read: '.*' }
// RabbitMQ loads these at every start. The init container replaces @name@ by passwords.
const definitions = {
  vhosts: [{ name: vhost }],
  users: [
    { name: brokerAdministrator, password: '@administrator@', tags: 'administrator' },
    ...accounts.map(({ name, password, tags = '' }) => ({ name, password, tags })),
  ],
  permissions: [
    { user: brokerAdministrator, vhost, ...all },
    ...accounts.map(({ name, permissions }) => ({ user: name, vhost, ...permissions })),
  ],
  topic_permissions: accounts.map(({ name, topics }) => ({ user: name, vhost, exchange: eventExchange, ...topics })),
  exchanges: [
    ...[
      { name: eventExchange, vhost, type: 'topic', durable: true, auto_delete: false, internal: false, arguments: {} },
    ],
  ],
}

const json = (value: object): string => `${JSON.stringify(value, undefined, 2)}\n`
const files = {
  // JSON is YAML as well.
  'production/rabbitmq-accounts.yaml': header + [exchange, ...accounts.flatMap(topologyOf)].map(json).join('---\n'),
  'local/rabbitmq-definitions.json': json(definitions),
}

const { check = false } = parseArgs({ options: { check: { type: 'boolean' } } }).values
for (const [name, text] of Object.entries(files)) {
  const target = join(overlays, name)
  const kept = existsSync(target) ? readFileSync(target, 'utf8') : ''
  if (kept !== text && check) {
    console.error(`k8s/overlays/${name} is out of date: run npm run generate`)
    process.exitCode = 1
  } else if (kept !== text) writeFileSync(target, text)
}
if (process.exitCode === undefined) console.log("RabbitMQ's accounts for Kubernetes are up to date")
