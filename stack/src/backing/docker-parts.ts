import { answers } from '../processes/wait.ts'
import { containerReady, startContainer } from './docker.ts'
import type { KeycloakOptions } from './keycloak.ts'
import { realmFile } from './keycloak.ts'
import { canConnect, type PostgresOptions, type Running } from './postgres.ts'
import type { RabbitmqOptions, RunningBroker } from './rabbitmq.ts'

type Say = { say: (text: string) => void }

export const dockerPostgres = async ({
  home,
  port,
  password,
  say,
  signal,
}: PostgresOptions & Say): Promise<Running> => {
  const container = await startContainer({
    home,
    say,
    signal,
    name: 'postgres',
    image: 'postgres:18',
    ports: { [port]: 5432 },
    volume: '/var/lib/postgresql',
    env: { POSTGRES_PASSWORD: password },
    args: ['-c', 'max_connections=200'],
  })
  const url = `postgres://postgres:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`
  await containerReady(container, 'PostgreSQL', () => canConnect(url), signal)
  return { url, stop: () => container.stop() }
}

export const dockerRabbitmq = async (options: RabbitmqOptions & Say): Promise<RunningBroker> => {
  const { home, port, managementPort, metricsPort, user, password, say, signal } = options
  const container = await startContainer({
    home,
    say,
    signal,
    name: 'rabbitmq',
    image: 'rabbitmq:4-management',
    ports: { [port]: 5672, [managementPort]: 15672, ...(metricsPort !== undefined && { [metricsPort]: 15692 }) },
    volume: '/var/lib/rabbitmq',
    env: { RABBITMQ_DEFAULT_USER: user, RABBITMQ_DEFAULT_PASS: password, RABBITMQ_NODENAME: 'clientele@localhost' },
  })
  const authorization = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`
  const ready = `http://127.0.0.1:${managementPort}/api/health/checks/port-listener/5672`
  await containerReady(container, 'RabbitMQ', () => answers(ready, { headers: { authorization } }), signal)
  const secret = encodeURIComponent(password)
  return {
    url: `amqp://${user}:${secret}@127.0.0.1:${port}`,
    managementUrl: `http://${user}:${secret}@127.0.0.1:${managementPort}`,
    ...(metricsPort !== undefined && { metricsUrl: `http://127.0.0.1:${metricsPort}` }),
    stop: () => container.stop(),
  }
}

export const dockerKeycloak = async (options: KeycloakOptions & Say): Promise<Running> => {
  const { home, port, managementPort, say, signal } = options
  const container = await startContainer({
    home,
    say,
    signal,
    name: 'keycloak',
    image: 'quay.io/keycloak/keycloak:26.7',
    ports: { [port]: 8080, [managementPort]: 9000 },
    volume: '/opt/keycloak/data',
    mounts: { [realmFile]: '/opt/keycloak/data/import/realm.json' },
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
  await containerReady(container, 'Keycloak', () => answers(ready), signal)
  return { url: `http://localhost:${port}`, stop: () => container.stop() }
}
