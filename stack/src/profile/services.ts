import { type Registry, registry, variablePrefix } from '@clientele/contracts/services'
import { nodeEnv } from '../processes/node-memory.ts'
import { localEnv, localPlaceholders } from './local-env.ts'
import { type PortName, type Ports, portNamesOf, portOf } from './ports.ts'
import { databaseSecret, type Secrets, secretOf } from './secrets.ts'

/** What the environment of services is made of: the addresses of the running parts, ports and secrets. */
export type ServiceEnvironment = {
  home: string
  ports: Ports
  secrets: Secrets
  publicUrl: string
  /** Superuser's address of the server; services get their own role. */
  postgresUrl: string
  rabbitmqUrl: string
  keycloakUrl: string
  keycloakPublicUrl: string
}

export type ServiceRow = {
  name: string
  port: PortName
  internalPort: PortName
  /** `secret` names the role's password among the secrets. */
  schema?: { name: string; role: string; secret: string; extensions: string[] }
  /** Services whose addresses it is given. */
  calls: string[]
}

export const realmName = 'clientele'
export const databaseName = 'clientele'

/** The processes of the local profile, from the registry. The gateway is last: it is ready when the others are. */
export const serviceRows = ({ services: registered }: Registry): ServiceRow[] => [
  ...registered.map(({ name, schema, extensions, calls }) => ({
    name,
    ...portNamesOf(name),
    schema: { name: schema, role: `clientele_${schema}`, secret: databaseSecret(schema), extensions },
    calls,
  })),
  { name: 'gateway', ...portNamesOf('gateway'), calls: registered.map(({ name }) => name) },
]
export const services = serviceRows(registry)

/** `USER_SERVICE_URL` and so on, of the services that one calls; the gateway asks for their internal ports, too. */
export const addressesFor = ({ name, calls }: ServiceRow, ports: Ports): Record<string, string> =>
  Object.fromEntries(
    calls.flatMap((called) => {
      const { port, internalPort } = portNamesOf(called)
      const prefix = variablePrefix(called)
      const address = [`${prefix}_URL`, `http://127.0.0.1:${portOf(ports, port)}`]
      const internal = [`${prefix}_INTERNAL_URL`, `http://127.0.0.1:${portOf(ports, internalPort)}`]
      return name === 'gateway' ? [address, internal] : [address]
    }),
  )

/** The service's address of the database, with its own role. */
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

/** The whole environment of a service. Limits and policies that the person set come through, addresses and secrets do not. */
export const serviceEnv = (
  row: ServiceRow,
  around: ServiceEnvironment,
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv => ({
  SHUTDOWN_PAUSE_MS: '0',
  SHUTDOWN_MS: '8000',
  ...nodeEnv(),
  ...env,
  PROFILE: 'local',
  CLIENTELE_PROFILE: 'local',
  HOST: '127.0.0.1',
  PORT: String(portOf(around.ports, row.port)),
  INTERNAL_HOST: '127.0.0.1',
  INTERNAL_PORT: String(portOf(around.ports, row.internalPort)),
  RABBITMQ_URL: around.rabbitmqUrl,
  KEYCLOAK_URL: around.keycloakUrl,
  KEYCLOAK_ISSUER: `${around.keycloakPublicUrl}/realms/${realmName}`,
  KEYCLOAK_AUDIENCE: 'clientele-api',
  ...(row.schema ? { DATABASE_URL: databaseUrl(row, around) } : {}),
  PUBLIC_URL: around.publicUrl,
  ...addressesFor(row, around.ports),
  ...localEnv(row.name, localPlaceholders(around)),
})
