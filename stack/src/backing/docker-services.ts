import { isResponding } from '../processes/wait.ts'
import { startContainer, waitForContainer } from './docker.ts'
import type { KeycloakOptions } from './keycloak.ts'
import { keycloakUrl, passwordListsFolder, realmFile } from './keycloak.ts'
import { canConnect, type PostgresOptions, type ServiceHandle } from './postgres.ts'
import type { BrokerHandle, RabbitmqOptions } from './rabbitmq.ts'

type Log = { log: (text: string) => void }

export const dockerPostgres = async ({
  home,
  port,
  password,
  log,
  signal,
}: PostgresOptions & Log): Promise<ServiceHandle> => {
  const container = await startContainer({
    home,
    log,
    signal,
    name: 'postgres',
    image: 'postgres:18',
    ports: { [port]: 5432 },
    volume: '/var/lib/postgresql',
    env: { POSTGRES_PASSWORD: password },
    args: ['-c', 'max_connections=200'],
  })
  const url = `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`
  await waitForContainer(container, 'PostgreSQL', () => canConnect(url), signal)
  return { url, stop: () => container.stop() }
}

export const dockerRabbitmq = async (options: RabbitmqOptions & Log): Promise<BrokerHandle> => {
  const { home, port, managementPort, metricsPort, user, password, log, signal } = options
  const container = await startContainer({
    home,
    log,
    signal,
    name: 'rabbitmq',
    image: 'rabbitmq:4-management',
    ports: { [port]: 5672, [managementPort]: 15672, ...(metricsPort !== undefined && { [metricsPort]: 15692 }) },
    volume: '/var/lib/rabbitmq',
    env: { RABBITMQ_DEFAULT_USER: user, RABBITMQ_DEFAULT_PASS: password, RABBITMQ_NODENAME: 'clientele@localhost' },
  })
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const ready = `http://127.0.0.1:${managementPort}/api/health/checks/port-listener/5672`
  await waitForContainer(container, 'RabbitMQ', () => isResponding(ready, { headers: { authorization } }), signal)
  const secret = encodeURIComponent(password)
  return {
    url: `amqp://${user}:${secret}@127.0.0.1:${port}`,
    managementUrl: `http://${user}:${secret}@127.0.0.1:${managementPort}`,
    ...(metricsPort !== undefined && { metricsUrl: `http://127.0.0.1:${metricsPort}` }),
    stop: () => container.stop(),
  }
}

export const dockerKeycloak = async (options: KeycloakOptions & Log): Promise<ServiceHandle> => {
  const { home, port, managementPort, log, signal } = options
  const container = await startContainer({
    home,
    log,
    signal,
    name: 'keycloak',
    image: 'quay.io/keycloak/keycloak:26.7',
    ports: { [port]: 8080, [managementPort]: 9000 },
    listenHosts: { [port]: options.host },
    volume: '/opt/keycloak/data',
    mounts: {
      [realmFile]: '/opt/keycloak/data/import/realm.json',
      [passwordListsFolder]: '/opt/keycloak/data/password-blacklists',
    },
    env: {
      ...options.realmEnv,
      KC_BOOTSTRAP_ADMIN_USERNAME: options.adminUser,
      KC_BOOTSTRAP_ADMIN_PASSWORD: options.adminPassword,
    },
    args: [
      'start',
      '--db=dev-file',
      '--cache=local',
      '--health-enabled=true',
      '--http-enabled=true',
      `--hostname=${options.publicUrl}`,
      '--hostname-backchannel-dynamic=true',
      '--import-realm',
    ],
  })
  const ready = `http://127.0.0.1:${managementPort}/health/ready`
  await waitForContainer(container, 'Keycloak', () => isResponding(ready), signal)
  return { url: keycloakUrl(options), stop: () => container.stop() }
}
