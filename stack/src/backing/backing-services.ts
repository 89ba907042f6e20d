import { createConnection } from 'node:net'
import { brokerAdministrator } from '@clientele/contracts/broker-accounts'
import { isResponding, waitFor } from '../processes/wait.ts'
import type { Ports } from '../profile/ports.ts'
import type { Secrets } from '../profile/secrets.ts'
import { bridgeAddress, dockerHostName } from './docker.ts'
import { dockerKeycloak, dockerPostgres, dockerRabbitmq } from './docker-services.ts'
import { startKeycloak } from './keycloak.ts'
import { keycloakAdminUser } from './keycloak-admin.ts'
import { startMail } from './mail.ts'
import { type ServiceHandle, startPostgres } from './postgres.ts'
import { type BrokerHandle, startRabbitmq } from './rabbitmq.ts'
import { type BackingServiceName, chooseSource, type ServiceSource } from './service-source.ts'

export type BackingOptions = {
  home: string
  /** The address that Keycloak listens on; default: loopback. Everything else listens on loopback. */
  host?: string
  ports: Ports
  secrets: Secrets
  durable: boolean
  publicUrl: string
  frontEndOrigins?: string
  keycloakPublicUrl: string
  log: (source: string, text: string) => void
  /** Aborts the start. */
  signal?: AbortSignal
}

/** The backing services. All start at once; each can be awaited by itself. */
export type BackingServices = {
  sources: Record<BackingServiceName, ServiceSource>
  postgres: Promise<ServiceHandle>
  rabbitmq: Promise<ServiceHandle & Partial<Pick<BrokerHandle, 'managementUrl' | 'metricsUrl'>>>
  keycloak: Promise<ServiceHandle>
  mail: Promise<ServiceHandle>
  stop: () => Promise<void>
}

/** Decides for each backing service where it comes from; may install packages. @throws Error that lists all that is missing */
export const chooseSources = async (
  log: BackingOptions['log'],
  home: string,
  env?: NodeJS.ProcessEnv,
): Promise<Record<BackingServiceName, ServiceSource>> => {
  const errors: string[] = []
  // Errors are collected, so that one message lists everything that is missing.
  const choose = (name: BackingServiceName) =>
    chooseSource(name, (text) => log(name, text), home, env).catch((error: Error): ServiceSource => {
      errors.push(error.message)
      return { kind: 'local' }
    })
  const sources = {
    postgres: await choose('postgres'),
    rabbitmq: await choose('rabbitmq'),
    keycloak: await choose('keycloak'),
  }
  if (errors.length > 0) throw new Error(errors.join('\n'))
  return sources
}

export const startBackingServices = (
  options: BackingOptions,
  sources: Record<BackingServiceName, ServiceSource>,
): BackingServices => {
  const { log } = options
  const logWhenReady = <T>(name: string, work: Promise<T>): Promise<T> => {
    const from = Date.now()
    return work.then((value) => {
      log(name, `ready (${((Date.now() - from) / 1000).toFixed(1)} s)`)
      return value
    })
  }
  const services = {
    postgres: logWhenReady('postgres', providePostgres(sources.postgres, options)),
    rabbitmq: logWhenReady('rabbitmq', provideRabbitmq(sources.rabbitmq, options)),
    keycloak: logWhenReady('keycloak', provideKeycloak(sources.keycloak, options)),
    mail: logWhenReady('mail', provideMail(sources.keycloak, options)),
  }
  const all: Promise<ServiceHandle>[] = Object.values(services)
  // Whoever awaits a service reports its failure; `stop` must still be able to stop the others.
  for (const service of all) service.catch(() => undefined)
  const stop = async () => {
    const settled = await Promise.allSettled(all)
    const stopped = await Promise.allSettled(
      settled.map((result) => (result.status === 'fulfilled' ? result.value.stop() : undefined)),
    )
    for (const result of stopped) if (result.status === 'rejected') log('stop', String(result.reason))
  }
  return { sources, ...services, stop }
}

const doNothing = async (): Promise<void> => undefined

const providePostgres = async (
  source: ServiceSource,
  { home, ports, secrets, durable, log, signal }: BackingOptions,
): Promise<ServiceHandle> => {
  if (source.kind === 'external') return { url: source.url, stop: doNothing }
  const options = { home, port: ports.POSTGRES_PORT, password: secrets.postgres, durable, signal }
  return source.kind === 'local'
    ? startPostgres(options)
    : dockerPostgres({ ...options, log: (text) => log('postgres', text) })
}

const provideRabbitmq = async (source: ServiceSource, { home, ports, secrets, log, signal }: BackingOptions) => {
  if (source.kind === 'external') {
    const { hostname, port } = new URL(source.url)
    await waitFor(() => acceptsConnections(hostname, Number(port || 5672)), {
      name: 'RabbitMQ (CLIENTELE_RABBITMQ_URL)',
      timeoutMs: 30_000,
    })
    return { url: source.url, stop: doNothing }
  }
  const options = {
    home,
    port: ports.RABBITMQ_PORT,
    managementPort: ports.RABBITMQ_MANAGEMENT_PORT,
    metricsPort: ports.RABBITMQ_METRICS_PORT,
    epmdPort: ports.RABBITMQ_EPMD_PORT,
    distributionPort: ports.RABBITMQ_DISTRIBUTION_PORT,
    user: brokerAdministrator,
    password: secrets.rabbitmq,
    signal,
  }
  return source.kind === 'local'
    ? startRabbitmq(options)
    : dockerRabbitmq({ ...options, log: (text) => log('rabbitmq', text) })
}

const provideKeycloak = async (source: ServiceSource, options: BackingOptions): Promise<ServiceHandle> => {
  const { home, ports, secrets } = options
  const log = (text: string) => options.log('keycloak', text)
  if (source.kind === 'external') {
    await waitFor(() => isResponding(`${source.url}/realms/master`), {
      name: 'Keycloak (CLIENTELE_KEYCLOAK_URL)',
      timeoutMs: 60_000,
    })
    return { url: source.url, stop: doNothing }
  }
  const settings = {
    home,
    host: options.host,
    port: ports.KEYCLOAK_PORT,
    managementPort: ports.KEYCLOAK_MANAGEMENT_PORT,
    publicUrl: options.keycloakPublicUrl,
    adminUser: keycloakAdminUser,
    adminPassword: secrets.keycloakAdmin,
    realmEnv: realmEnvironment(options, source),
    log,
    signal: options.signal,
  }
  return source.kind === 'local' ? startKeycloak(settings) : dockerKeycloak(settings)
}

/** The values for the placeholders of `deploy/keycloak/realm.json`, and the front ends that may sign in. */
export const realmEnvironment = (
  {
    ports,
    secrets,
    publicUrl,
    frontEndOrigins = '',
  }: Pick<BackingOptions, 'ports' | 'secrets' | 'publicUrl' | 'frontEndOrigins'>,
  keycloak: ServiceSource,
) => ({
  CLIENTELE_PUBLIC_URL: publicUrl,
  FRONT_END_ORIGINS: frontEndOrigins,
  CLIENTELE_REGISTRATION: 'true',
  CLIENTELE_SMTP_HOST: keycloak.kind === 'docker' ? dockerHostName : '127.0.0.1',
  CLIENTELE_SMTP_PORT: String(ports.SMTP_PORT),
  CLIENTELE_LOGIN_SECRET: secrets.login,
  CLIENTELE_USER_SERVICE_SECRET: secrets.userService,
})

const provideMail = async (keycloak: ServiceSource, { ports }: BackingOptions): Promise<ServiceHandle> => {
  // Keycloak in a container reaches this machine at the address of Docker's bridge.
  const bridgeHost = keycloak.kind === 'docker' ? await bridgeAddress() : undefined
  const extraSmtpHosts = bridgeHost ? [bridgeHost] : []
  return startMail({ smtpPort: ports.SMTP_PORT, httpPort: ports.MAIL_PORT, extraSmtpHosts })
}

const acceptsConnections = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: 2000 })
    const end = (isAccepted: boolean) => () => {
      socket.destroy()
      resolve(isAccepted)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })
