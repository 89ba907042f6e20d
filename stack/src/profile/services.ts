import { join } from 'node:path'
import { nodeEnv } from '../processes/node-memory.ts'
import type { PortName, Ports } from './ports.ts'
import type { SecretName, Secrets } from './secrets.ts'

/** What the addresses of the running parts are, for the environment of services. */
export type Surroundings = {
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
  schema?: { name: string; role: string; secret: SecretName; extensions: string[] }
  env: (around: Surroundings) => Record<string, string>
}

const local = (port: number): string => `http://127.0.0.1:${port}`
export const realmName = 'clientele'
export const databaseName = 'clientele'

/** The services of the local profile: one more is one more row. Gateway last: it is ready when the others are. */
export const services: ServiceRow[] = [
  {
    name: 'user-service',
    port: 'USER_SERVICE_PORT',
    internalPort: 'USER_SERVICE_INTERNAL_PORT',
    schema: { name: 'users', role: 'clientele_users', secret: 'usersDatabase', extensions: ['pg_trgm'] },
    env: ({ secrets, publicUrl }) => ({
      PUBLIC_URL: publicUrl,
      CONSOLE_CLIENT_ID: 'clientele-console',
      KEYCLOAK_CLIENT_ID: 'clientele-user-service',
      KEYCLOAK_CLIENT_SECRET: secrets.userService,
      LOGIN_CLIENT_ID: 'clientele-login',
      LOGIN_CLIENT_SECRET: secrets.login,
      SIGNUP_ENABLED: 'true',
      PASSWORD_LOGIN_ENABLED: 'true',
      SIGNUP_DEFAULT_ROLE: 'user',
      SMTP_CONFIGURED: 'true',
    }),
  },
  {
    name: 'customer-service',
    port: 'CUSTOMER_SERVICE_PORT',
    internalPort: 'CUSTOMER_SERVICE_INTERNAL_PORT',
    schema: { name: 'customers', role: 'clientele_customers', secret: 'customersDatabase', extensions: ['pg_trgm'] },
    env: ({ ports, secrets, publicUrl }) => ({
      PUBLIC_URL: publicUrl,
      MEDIA_SERVICE_URL: local(ports.MEDIA_SERVICE_PORT),
      MEDIA_SIGNING_KEY: secrets.mediaSigning,
    }),
  },
  {
    name: 'media-service',
    port: 'MEDIA_SERVICE_PORT',
    internalPort: 'MEDIA_SERVICE_INTERNAL_PORT',
    schema: { name: 'media', role: 'clientele_media', secret: 'mediaDatabase', extensions: [] },
    env: ({ home, secrets, publicUrl }) => ({
      PUBLIC_URL: publicUrl,
      MEDIA_STORE: 'folder',
      MEDIA_FOLDER: join(home, 'media'),
      MEDIA_SIGNING_KEY: secrets.mediaSigning,
    }),
  },
  {
    name: 'order-service',
    port: 'ORDER_SERVICE_PORT',
    internalPort: 'ORDER_SERVICE_INTERNAL_PORT',
    schema: { name: 'orders', role: 'clientele_orders', secret: 'ordersDatabase', extensions: ['pg_trgm'] },
    env: ({ ports, secrets, publicUrl }) => ({
      PUBLIC_URL: publicUrl,
      CUSTOMER_SERVICE_URL: local(ports.CUSTOMER_SERVICE_PORT),
      MEDIA_SERVICE_URL: local(ports.MEDIA_SERVICE_PORT),
      MEDIA_SIGNING_KEY: secrets.mediaSigning,
    }),
  },
  {
    name: 'notification-service',
    port: 'NOTIFICATION_SERVICE_PORT',
    internalPort: 'NOTIFICATION_SERVICE_INTERNAL_PORT',
    schema: {
      name: 'notifications',
      role: 'clientele_notifications',
      secret: 'notificationsDatabase',
      extensions: [],
    },
    env: ({ ports, secrets }) => ({
      SMTP_URL: `smtp://127.0.0.1:${ports.SMTP_PORT}`,
      MAIL_FROM: 'shop@clientele.localhost',
      CALLBACK_SECRET: secrets.callback,
    }),
  },
  {
    name: 'gateway',
    port: 'GATEWAY_PORT',
    internalPort: 'GATEWAY_INTERNAL_PORT',
    env: ({ ports, publicUrl }) => ({
      PUBLIC_URL: publicUrl,
      CONSOLE_CLIENT_ID: 'clientele-console',
      CORS_ORIGINS: publicUrl,
      USER_SERVICE_URL: local(ports.USER_SERVICE_PORT),
      USER_SERVICE_INTERNAL_URL: local(ports.USER_SERVICE_INTERNAL_PORT),
      CUSTOMER_SERVICE_URL: local(ports.CUSTOMER_SERVICE_PORT),
      CUSTOMER_SERVICE_INTERNAL_URL: local(ports.CUSTOMER_SERVICE_INTERNAL_PORT),
      MEDIA_SERVICE_URL: local(ports.MEDIA_SERVICE_PORT),
      MEDIA_SERVICE_INTERNAL_URL: local(ports.MEDIA_SERVICE_INTERNAL_PORT),
      ORDER_SERVICE_URL: local(ports.ORDER_SERVICE_PORT),
      ORDER_SERVICE_INTERNAL_URL: local(ports.ORDER_SERVICE_INTERNAL_PORT),
      NOTIFICATION_SERVICE_URL: local(ports.NOTIFICATION_SERVICE_PORT),
      NOTIFICATION_SERVICE_INTERNAL_URL: local(ports.NOTIFICATION_SERVICE_INTERNAL_PORT),
    }),
  },
]

/** The service's address of the database, with its own role. */
export const databaseUrl = (
  { schema }: ServiceRow,
  { postgresUrl, secrets }: Pick<Surroundings, 'postgresUrl' | 'secrets'>,
): string => {
  const url = new URL(postgresUrl)
  if (schema) {
    url.username = schema.role
    url.password = secrets[schema.secret]
    url.pathname = `/${databaseName}`
  }
  return url.href
}

/** The whole environment of a service. Limits and policies that the person set come through, addresses and secrets do not. */
export const serviceEnv = (
  row: ServiceRow,
  around: Surroundings,
  env: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv => ({
  SHUTDOWN_PAUSE_MS: '0',
  SHUTDOWN_MS: '8000',
  ...nodeEnv(),
  ...env,
  PROFILE: 'local',
  CLIENTELE_PROFILE: 'local',
  HOST: '127.0.0.1',
  PORT: String(around.ports[row.port]),
  INTERNAL_HOST: '127.0.0.1',
  INTERNAL_PORT: String(around.ports[row.internalPort]),
  RABBITMQ_URL: around.rabbitmqUrl,
  KEYCLOAK_URL: around.keycloakUrl,
  KEYCLOAK_ISSUER: `${around.keycloakPublicUrl}/realms/${realmName}`,
  KEYCLOAK_AUDIENCE: 'clientele-api',
  ...(row.schema ? { DATABASE_URL: databaseUrl(row, around) } : {}),
  ...row.env(around),
})
