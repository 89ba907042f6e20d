import { createConnection } from 'node:net'
import { answers, waitFor } from '../processes/wait.ts'
import type { Ports } from '../profile/ports.ts'
import type { Secrets } from '../profile/secrets.ts'
import { type Choice, chooseBacking, type Part } from './choice.ts'
import { bridgeAddress, thisMachine } from './docker.ts'
import { dockerKeycloak, dockerPostgres, dockerRabbitmq } from './docker-parts.ts'
import { startKeycloak } from './keycloak.ts'
import { startMail } from './mail.ts'
import { type Running, startPostgres } from './postgres.ts'
import { type RunningBroker, startRabbitmq } from './rabbitmq.ts'

export type BackingOptions = {
  home: string
  ports: Ports
  secrets: Secrets
  durable: boolean
  publicUrl: string
  keycloakPublicUrl: string
  say: (part: string, text: string) => void
  /** Gives up the start. */
  signal?: AbortSignal
}

/** The parts that services stand on. Each is started at once and may be awaited by itself. */
export type Backing = {
  choices: Record<Part, Choice>
  postgres: Promise<Running>
  rabbitmq: Promise<Running & Partial<Pick<RunningBroker, 'managementUrl' | 'metricsUrl'>>>
  keycloak: Promise<Running>
  mail: Promise<Running>
  stop: () => Promise<void>
}

export const keycloakAdminUser = 'admin'

/** Decides for each part where it comes from; this may install packages. */
export const chooseAll = async (
  say: BackingOptions['say'],
  home: string,
  env?: NodeJS.ProcessEnv,
): Promise<Record<Part, Choice>> => {
  const problems: string[] = []
  // All that is missing is told at once.
  const choose = (part: Part) =>
    chooseBacking(part, (text) => say(part, text), home, env).catch((error: Error): Choice => {
      problems.push(error.message)
      return { kind: 'local' }
    })
  const choices = {
    postgres: await choose('postgres'),
    rabbitmq: await choose('rabbitmq'),
    keycloak: await choose('keycloak'),
  }
  if (problems.length > 0) throw new Error(problems.join('\n'))
  return choices
}

export const startBacking = (options: BackingOptions, choices: Record<Part, Choice>): Backing => {
  const { say } = options
  const timed = <T>(part: string, work: Promise<T>): Promise<T> => {
    const from = Date.now()
    return work.then((value) => {
      say(part, `ready (${((Date.now() - from) / 1000).toFixed(1)} s)`)
      return value
    })
  }
  const parts = {
    postgres: timed('postgres', postgresBy(choices.postgres, options)),
    rabbitmq: timed('rabbitmq', rabbitmqBy(choices.rabbitmq, options)),
    keycloak: timed('keycloak', keycloakBy(choices.keycloak, options)),
    mail: timed('mail', mailFor(choices.keycloak, options)),
  }
  const all: Promise<Running>[] = Object.values(parts)
  // A part that fails is reported by whoever awaits it; the others must still be stoppable.
  for (const part of all) part.catch(() => undefined)
  const stop = async () => {
    const settled = await Promise.allSettled(all)
    const stopped = await Promise.allSettled(
      settled.map((part) => (part.status === 'fulfilled' ? part.value.stop() : undefined)),
    )
    for (const part of stopped) if (part.status === 'rejected') say('stop', String(part.reason))
  }
  return { choices, ...parts, stop }
}

const nothing = async (): Promise<void> => undefined

const postgresBy = async (
  choice: Choice,
  { home, ports, secrets, durable, say, signal }: BackingOptions,
): Promise<Running> => {
  if (choice.kind === 'given') return { url: choice.url, stop: nothing }
  const options = { home, port: ports.POSTGRES_PORT, password: secrets.postgres, durable, signal }
  return choice.kind === 'local'
    ? startPostgres(options)
    : dockerPostgres({ ...options, say: (text) => say('postgres', text) })
}

const rabbitmqBy = async (choice: Choice, { home, ports, secrets, say, signal }: BackingOptions) => {
  if (choice.kind === 'given') {
    const { hostname, port } = new URL(choice.url)
    await waitFor(() => accepts(hostname, Number(port || 5672)), {
      what: 'RabbitMQ (CLIENTELE_RABBITMQ_URL)',
      timeoutMs: 30_000,
    })
    return { url: choice.url, stop: nothing }
  }
  const options = {
    home,
    port: ports.RABBITMQ_PORT,
    managementPort: ports.RABBITMQ_MANAGEMENT_PORT,
    metricsPort: ports.RABBITMQ_METRICS_PORT,
    epmdPort: ports.RABBITMQ_EPMD_PORT,
    distributionPort: ports.RABBITMQ_DISTRIBUTION_PORT,
    user: 'clientele',
    password: secrets.rabbitmq,
    signal,
  }
  return choice.kind === 'local'
    ? startRabbitmq(options)
    : dockerRabbitmq({ ...options, say: (text) => say('rabbitmq', text) })
}

const keycloakBy = async (choice: Choice, options: BackingOptions): Promise<Running> => {
  const { home, ports, secrets } = options
  const say = (text: string) => options.say('keycloak', text)
  if (choice.kind === 'given') {
    await waitFor(() => answers(`${choice.url}/realms/master`), {
      what: 'Keycloak (CLIENTELE_KEYCLOAK_URL)',
      timeoutMs: 60_000,
    })
    return { url: choice.url, stop: nothing }
  }
  const settings = {
    home,
    port: ports.KEYCLOAK_PORT,
    managementPort: ports.KEYCLOAK_MANAGEMENT_PORT,
    publicUrl: options.keycloakPublicUrl,
    adminUser: keycloakAdminUser,
    adminPassword: secrets.keycloakAdmin,
    realmEnv: realmEnvironment(options, choice),
    say,
    signal: options.signal,
  }
  return choice.kind === 'local' ? startKeycloak(settings) : dockerKeycloak(settings)
}

/** Values for the placeholders of the realm file. */
export const realmEnvironment = (
  { ports, secrets, publicUrl }: Pick<BackingOptions, 'ports' | 'secrets' | 'publicUrl'>,
  keycloak: Choice,
) => ({
  CLIENTELE_PUBLIC_URL: publicUrl,
  CLIENTELE_REGISTRATION: 'true',
  CLIENTELE_SMTP_HOST: keycloak.kind === 'docker' ? thisMachine : '127.0.0.1',
  CLIENTELE_SMTP_PORT: String(ports.SMTP_PORT),
  CLIENTELE_LOGIN_SECRET: secrets.login,
  CLIENTELE_USER_SERVICE_SECRET: secrets.userService,
})

const mailFor = async (keycloak: Choice, { ports }: BackingOptions): Promise<Running> => {
  // A Keycloak in a container reaches this machine at the bridge's address.
  const bridge = keycloak.kind === 'docker' ? await bridgeAddress() : undefined
  const more = bridge ? [bridge] : []
  return startMail({ smtpPort: ports.SMTP_PORT, httpPort: ports.MAIL_PORT, alsoOn: more })
}

const accepts = (host: string, port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = createConnection({ host, port, timeout: 2000 })
    const end = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', end(true)).once('error', end(false)).once('timeout', end(false))
  })
