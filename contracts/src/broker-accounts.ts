import { everyType, type Registry, registry } from './services.ts'

/** The topic exchange that all events are published to. The routing key is the event type. */
export const eventExchange = 'clientele.events'

/** The name of the administrator in the local profile and in Compose. It creates the other accounts; no service uses it. */
export const brokerAdministrator = 'clientele'

/** The account of the tools that operators run: it reads and empties queues, and puts dead letters back into their queues. */
export const brokerOperator = 'clientele-operator'

/** The names of all processes that have an account: the services and the gateway. */
export const brokerProcesses = ({ services }: Registry = registry): string[] => [
  ...services.map(({ name }) => name),
  'gateway',
]

/** The name of a process's account by convention: `clientele-customer-service`. */
export const accountOf = (process: string): string => `clientele-${process}`

/**
 * Returns the process that an account belongs to. Operators may choose another prefix: the account's name is, or ends with a hyphen
 * and, the name of the process. Returns undefined for other accounts, such as an administrator's.
 */
export const processOfAccount = (account: string): string | undefined =>
  brokerProcesses().find((name) => account === name || account.endsWith(`-${name}`))

const covers = (pattern: string, type: string): boolean =>
  pattern === everyType || pattern === type || type.startsWith(`${pattern}.`)

/** Returns the services that publish events of a type: one, or several for the events of imports. Empty for unknown types. */
export const publishersOf = (type: string): string[] =>
  registry.services
    .filter(({ publishes }) => publishes.some((pattern) => covers(pattern, type)))
    .map(({ name }) => name)

/** Permissions of an account in RabbitMQ: regular expressions on names of queues and exchanges. */
export type BrokerPermissions = { configure: string; write: string; read: string }

/** Permissions of an account on the exchange of all events: regular expressions on routing keys. */
export type TopicPermissions = { write: string; read: string }

const nothing = '^$'
const escaped = (name: string): string => name.replaceAll('.', '\\.')
const routingKeys = (patterns: readonly string[]): string => {
  if (patterns.includes(everyType)) return '.*'
  const others = (pattern: string) => patterns.filter((other) => other !== pattern)
  const widest = [...new Set(patterns)].filter((pattern) => !others(pattern).some((other) => covers(other, pattern)))
  const expressions = widest.map((pattern) => `${escaped(pattern)}${pattern.includes('.') ? '$' : '\\.'}`)
  return expressions.length === 0 ? nothing : `^(${expressions.join('|')})`
}

/**
 * What a process may do: anything with the queues and exchanges whose names begin with its own name, publish the types that it
 * owns, and bind queues to the types that it consumes. Every service consumes what the gateway consumes: revocations.
 * @throws Error if the registry has no such process
 */
export const permissionsOf = (
  process: string,
  all: Registry = registry,
): { permissions: BrokerPermissions; topics: TopicPermissions } => {
  const service = all.services.find(({ name }) => name === process)
  if (!service && process !== 'gateway') throw new Error(`${process} is not a service`)
  const publishes = service?.publishes ?? []
  const own = `${process}\\.`
  const ownAndEvents = `^(${own}|${escaped(eventExchange)}$)`
  return {
    permissions: { configure: `^${own}`, write: publishes.length > 0 ? ownAndEvents : `^${own}`, read: ownAndEvents },
    topics: {
      write: routingKeys(publishes),
      read: routingKeys([...all.gateway.consumes, ...(service?.consumes ?? [])]),
    },
  }
}

/** What a system of one's own may do: read its queues, and bind them to `types`: event types or first words; all by default. */
export const consumerPermissions = (
  name: string,
  types: readonly string[] = [],
): { permissions: BrokerPermissions; topics: TopicPermissions } => ({
  permissions: { configure: `^${name}\\.`, write: `^${name}\\.`, read: `^(${name}\\.|${escaped(eventExchange)}$)` },
  topics: { write: nothing, read: types.length === 0 ? '.*' : routingKeys(types) },
})

/** What operators' tools may do: list, read and empty queues, and publish to single queues. */
export const operatorPermissions: { permissions: BrokerPermissions; topics: TopicPermissions } = {
  permissions: { configure: nothing, write: '^amq\\.default$', read: '.*' },
  topics: { write: nothing, read: nothing },
}
