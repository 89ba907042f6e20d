import { accountOf } from '@clientele/contracts/broker-accounts'
import { envPrefix, type Registry, registry } from '@clientele/contracts/services'
import { withAccount } from '../broker/management-api.ts'
import { nodeEnv } from '../processes/node-memory.ts'
import { localEnv, localPlaceholders } from './local-env.ts'
import { type PortName, type Ports, portNamesOf, portOf } from './ports.ts'
import { brokerSecret, databaseSecret, type Secrets, secretOf } from './secrets.ts'

/** What the environment variables of services are made of: URLs of the backing services, ports and secrets. */
export type ServiceEnvironment = {
  home: string
  /** The address that the gateway listens on. The services listen on loopback. */
  host: string
  ports: Ports
  secrets: Secrets
  publicUrl: string
  frontEndOrigins?: string
  /** The superuser's URL. Each service gets a URL with its own role. */
  postgresUrl: string
  /** The administrator's URL. If `hasBrokerAccounts` is set, each process gets a URL with its own account. */
  rabbitmqUrl: string
  hasBrokerAccounts?: boolean
  keycloakUrl: string
  keycloakPublicUrl: string
}

export type ServiceRow = {
  name: string
  port: PortName
  internalPort: PortName
  /** `secret` is the name of the secret with the role's password. */
  schema?: { name: string; role: string; secret: string; extensions: string[] }
  /** The services that it calls. */
  calls: string[]
  /** The services whose internal port it reads, besides that of user-service. */
  reads: string[]
}

export const realmName = 'clientele'
export const databaseName = 'clientele'
/** The role that owns all schemas and migrates them. */
export const databaseOwner = 'clientele_owner'
const revocationSource = 'user-service'

/** The processes of the local profile, from the registry. The gateway is last: it is ready when all others are. */
export const serviceRows = ({ services: registered }: Registry): ServiceRow[] => [
  ...registered.map(({ name, schema, extensions, calls, reads }) => ({
    name,
    ...portNamesOf(name),
    schema: { name: schema, role: `clientele_${schema}`, secret: databaseSecret(schema), extensions },
    calls,
    reads,
  })),
  { name: 'gateway', ...portNamesOf('gateway'), calls: registered.map(({ name }) => name), reads: [] },
]
export const services = serviceRows(registry)

/**
 * The URLs of the services that a service calls, such as `USER_SERVICE_URL`. The gateway gets their internal URLs as well, and
 * every service that of user-service, where it reads revocations, and those of the services that it reads.
 */
export const addressesFor = ({ name, calls, reads }: ServiceRow, ports: Ports): Record<string, string> => {
  const internalNames = name === 'gateway' ? calls : [revocationSource, ...reads].filter((source) => source !== name)
  const urlOf = (port: PortName): string => `http://127.0.0.1:${portOf(ports, port)}`
  return Object.fromEntries([
    ...calls.map((called) => [`${envPrefix(called)}_URL`, urlOf(portNamesOf(called).port)]),
    ...internalNames.map((called) => [`${envPrefix(called)}_INTERNAL_URL`, urlOf(portNamesOf(called).internalPort)]),
  ])
}

/** The URL of the database with the service's own role. */
export const databaseUrl = (
  { schema }: ServiceRow,
  { postgresUrl, secrets }: Pick<ServiceEnvironment, 'postgresUrl' | 'secrets'>,
): string => {
  const url = new URL(postgresUrl)
  if (schema) {
    url.username = schema.role
    url.password = secretOf(secrets, schema.secret)
    url.pathname = `/${databaseName}`
  }
  return url.href
}

/** The URL of the database with the role that owns all schemas. */
export const ownerDatabaseUrl = ({
  postgresUrl,
  secrets,
}: Pick<ServiceEnvironment, 'postgresUrl' | 'secrets'>): string => {
  const own = { username: databaseOwner, password: secrets.databaseOwner, pathname: `/${databaseName}` }
  return Object.assign(new URL(postgresUrl), own).href
}

/** The URL of the broker with the process's own account. */
export const brokerUrl = (
  name: string,
  {
    rabbitmqUrl,
    hasBrokerAccounts,
    secrets,
  }: Pick<ServiceEnvironment, 'rabbitmqUrl' | 'hasBrokerAccounts' | 'secrets'>,
): string =>
  hasBrokerAccounts ? withAccount(rabbitmqUrl, accountOf(name), secretOf(secrets, brokerSecret(name))) : rabbitmqUrl

/** All environment variables of a service. Those of `env` are passed on, but addresses, ports and secrets are replaced. */
export const serviceEnv = (
  row: ServiceRow,
  environment: ServiceEnvironment,
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv => ({
  SHUTDOWN_PAUSE_MS: '0',
  SHUTDOWN_MS: '8000',
  ...nodeEnv(),
  ...env,
  PROFILE: 'local',
  CLIENTELE_PROFILE: 'local',
  HOST: row.name === 'gateway' ? environment.host : '127.0.0.1',
  PORT: String(portOf(environment.ports, row.port)),
  INTERNAL_HOST: '127.0.0.1',
  INTERNAL_PORT: String(portOf(environment.ports, row.internalPort)),
  RABBITMQ_URL: brokerUrl(row.name, environment),
  KEYCLOAK_URL: environment.keycloakUrl,
  KEYCLOAK_ISSUER: `${environment.keycloakPublicUrl}/realms/${realmName}`,
  KEYCLOAK_AUDIENCE: 'clientele-api',
  ...(row.schema ? { DATABASE_URL: databaseUrl(row, environment) } : {}),
  PUBLIC_URL: environment.publicUrl,
  FRONT_END_ORIGINS: environment.frontEndOrigins ?? '',
  ...addressesFor(row, environment.ports),
  ...localEnv(row.name, localPlaceholders(environment), env),
})
