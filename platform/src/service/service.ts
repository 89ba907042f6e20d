import type { RequestListener } from 'node:http'
import type { Socket } from 'node:net'
import { processOfAccount } from '@clientele/contracts/broker-accounts'
import express, { type Router } from 'express'
import type { RevocationConfig } from '../auth/revocation-config.ts'
import type { TokenVerifier } from '../auth/token-verifier.ts'
import type { Db } from '../data/db.ts'
import { type Broker, connectBroker } from '../events/broker.ts'
import type { Consumer } from '../events/consumer/consumer.ts'
import { startConsumers } from '../events/consumer/start-consumers.ts'
import { notFoundHandler, problemHandler } from '../http/error-response.ts'
import { requestIdOf } from '../http/request-lifecycle.ts'
import { listen } from '../http/server.ts'
import { ConfigError, configErrorExitCode, type ServiceConfig } from '../runtime/config.ts'
import { reportError, startErrorReporting, stopErrorReporting } from '../runtime/error-reporting.ts'
import { createLog, type Log } from '../runtime/log.ts'
import type { Task } from '../runtime/periodic-task.ts'
import { metrics, startTelemetry, stopTelemetry } from '../runtime/telemetry.ts'
import { createRevocationReader, type ReadRevocations, revocationsOver } from './revocation-reader.ts'

/** The parts of a service, from which {@link startService} assembles it. */
export type ServiceParts = {
  name: string
  config: ServiceConfig & Partial<RevocationConfig>
  log?: Log
  /** Verifies the tokens of requests. The service keeps its list of revoked tokens current, and is ready once it is loaded. */
  verifier?: TokenVerifier
  /** Reads the revocations. By default they are read from user-service, at `config.userServiceInternalUrl`. */
  readRevocations?: ReadRevocations
  /** The service's database. With it, the service also runs the relay of its outbox and cleanup tasks. */
  db?: Db
  /** The folder of its migrations. The service does not start if one has not been applied. */
  migrations?: URL
  /** Serves the public port, such as an Express app. */
  app: RequestListener
  consumers?: Consumer[]
  /** The maximum rate at which bulk events are published, in events per second. Default 500. */
  bulkEventsPerSecond?: number
  tasks?: Task[]
  /** Called with every new connection to the public port, before anything is read from it. It may destroy the connection. */
  onConnection?: ((socket: Socket) => void) | undefined
  /** The settings that everybody may know. The gateway reads them at `/settings` of the internal port, for `GET /v1/config`. */
  settings?: object
  /** Additional routes of the internal port, which is never exposed. */
  internal?: Router
  /** Additional readiness checks by name. The response shows the message of a rejection. */
  ready?: Record<string, () => Promise<void> | void>
}

/** A running service. `consumersReady` resolves when its consumers receive events, and rejects after `timeoutMs`. */
export type Service = {
  url: string
  internalUrl: string
  consumersReady(timeoutMs: number): Promise<void>
  stop(): Promise<void>
}

const checkTimeoutMs = 2_000

type Check = { name: string; status: 'up' | 'down'; detail?: string }

const runCheck = async (name: string, check: () => Promise<void> | void): Promise<Check> => {
  const timeout = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error('timed out')), checkTimeoutMs).unref()
  })
  return Promise.race([Promise.resolve().then(check), timeout]).then(
    () => ({ name, status: 'up' }),
    (error: Error) => ({ name, status: 'down', detail: error.message.slice(0, 200) }),
  )
}

type Checks = Record<string, () => Promise<void> | void>

const internalApp = (
  isReady: () => boolean,
  requiredChecks: Checks,
  optionalChecks: Checks,
  { internal, settings = {} }: Pick<ServiceParts, 'internal' | 'settings'>,
) => {
  const app = express()
  app.disable('x-powered-by')
  app.get('/health/live', (_req, res) => void res.json({ status: 'up' }))
  app.get('/health/ready', async (_req, res) => {
    const run = (group: Checks) => Promise.all(Object.entries(group).map(([name, check]) => runCheck(name, check)))
    const [required, optional] = await Promise.all([run(requiredChecks), run(optionalChecks)])
    const up = isReady() && required.every(({ status }) => status === 'up')
    res.status(up ? 200 : 503).json({ status: up ? 'up' : 'down', checks: [...required, ...optional] })
  })
  app.get('/metrics', async (_req, res) => void res.type(metrics.contentType).send(await metrics.metrics()))
  app.get('/settings', (_req, res) => void res.json(settings))
  if (internal) app.use(internal)
  app.use((req, res, next) => {
    res.set('X-Request-Id', requestIdOf(req.headers['x-request-id']))
    next()
  })
  app.use(notFoundHandler)
  app.use(problemHandler)
  return app
}

const brokerCheck = (broker: Broker) => () => {
  if (!broker.isHealthy()) throw new Error('not connected; events are published later')
}

/**
 * Starts a service: checks its migrations, then starts HTTP servers, relay, consumers and tasks. It starts even if the broker
 * is unavailable. If it cannot start, it closes the database.
 * @throws Error if a migration has not been applied or a port is in use
 */
export const startService = (parts: ServiceParts): Promise<Service> =>
  start(parts).catch(async (error: unknown) => {
    await parts.db?.close()
    throw error
  })

const defaultPollMs = 3_000

/** The consumer, the task and the readiness check of a verifier's revocations. */
const revocationParts = (
  { name, config, verifier, readRevocations }: ServiceParts,
  log: Log,
): { consumers: Consumer[]; tasks: Task[]; checks: Checks } => {
  if (!verifier) return { consumers: [], tasks: [], checks: {} }
  const { userServiceInternalUrl: url, revocationPollMs: intervalMs = defaultPollMs } = config
  const read = readRevocations ?? (url === undefined ? undefined : revocationsOver(url))
  if (!read) throw new Error('a service with a verifier needs userServiceInternalUrl')
  const { revocations: list } = verifier
  const { consumer, task } = createRevocationReader({ service: name, list, read, intervalMs, log })
  const check = (): void => {
    if (!list.isLoaded()) throw new Error('not loaded yet')
  }
  return { consumers: [consumer], tasks: [task], checks: { revocations: check } }
}

const start = async (parts: ServiceParts): Promise<Service> => {
  const { name, config, db, migrations, bulkEventsPerSecond } = parts
  const log = parts.log ?? createLog({ name, level: config.logLevel })
  const revocations = revocationParts(parts, log)
  const consumers = [...revocations.consumers, ...(parts.consumers ?? [])]
  await startTelemetry({ service: name, otlpEndpoint: config.otelExporterOtlpEndpoint })
  await startErrorReporting({ dsn: config.sentryDsn, service: name })
  const database =
    db &&
    (await (
      await import('./database-parts.ts')
    ).createDatabaseParts({ db, migrations, name, log, bulkEventsPerSecond }))

  const broker = connectBroker({ url: config.rabbitmqUrl, name, log })
  if (config.profile === 'production' && broker.account !== undefined && processOfAccount(broker.account) !== name)
    log.warn({ account: broker.account }, `RABBITMQ_URL is not an account of ${name}, see docs/operate.md`)
  const relay = database?.relay(broker)
  const tasks = [...revocations.tasks, ...(database?.tasks ?? []), ...(parts.tasks ?? [])]
  let ready = false
  const requiredChecks = { ...(db && { database: db.ping }), ...revocations.checks, ...parts.ready }
  const optionalChecks = { broker: brokerCheck(broker) }
  const internalServer = await listen(
    internalApp(() => ready, requiredChecks, optionalChecks, parts),
    {
      host: config.internalHost,
      port: config.internalPort,
      requestTimeoutMs: 10_000,
    },
  )
  const server = await listen(parts.app, {
    host: config.host,
    port: config.port,
    requestTimeoutMs: config.requestTimeoutMs,
    onConnection: parts.onConnection,
  }).catch(async (error: unknown) => {
    await Promise.allSettled([internalServer.drain(0), broker.close()])
    throw error
  })
  relay?.start()
  const runningConsumers = startConsumers(consumers, { broker, service: name, log, ...(db && { db }) })
  for (const task of tasks) await task.start()
  ready = true
  log.info({ port: new URL(server.url).port }, 'started')

  const stop = async (): Promise<void> => {
    ready = false
    // Closing a connection while a client sends a request would fail this request. So during the pause, each connection is closed
    // after its next response.
    server.disableKeepAlive()
    const deadline = Date.now() + config.shutdownMs
    await new Promise((resolve) => setTimeout(resolve, config.shutdownPauseMs))
    await Promise.allSettled([runningConsumers.stop(), ...tasks.map((task) => task.stop())])
    await server.drain(Math.max(deadline - Date.now(), 100))
    await relay?.stop()
    await broker.close()
    await db?.close()
    await internalServer.drain(100)
    await Promise.all([stopTelemetry(), stopErrorReporting()])
    log.info('stopped')
  }
  return { url: server.url, internalUrl: internalServer.url, consumersReady: runningConsumers.ready, stop }
}

const exitSoon = (code: number): void => {
  process.exitCode = code
  setTimeout(() => process.exit(code), 200).unref()
}

/**
 * The main function of every `main.ts`: builds the parts, starts the service, and stops it on SIGTERM or SIGINT within
 * `shutdownMs`. If the start fails, it prints one line and exits with 1, or with 78 if a setting is wrong.
 */
export const runService = async (build: () => Promise<ServiceParts> | ServiceParts): Promise<void> => {
  try {
    const parts = await build()
    const log = parts.log ?? createLog({ name: parts.name, level: parts.config.logLevel })
    const service = await startService({ ...parts, log })
    let stopping = false
    const onSignal = (signal: string) => {
      if (stopping) return
      stopping = true
      log.info({ signal }, 'stopping')
      setTimeout(() => {
        log.error('shutdown timed out')
        process.exit(1)
      }, parts.config.shutdownMs + 5_000).unref()
      service.stop().then(
        () => exitSoon(0),
        (err: unknown) => {
          log.error({ err }, 'shutdown failed')
          exitSoon(1)
        },
      )
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    process.on('unhandledRejection', (err) => {
      log.error({ err }, 'unhandled rejection')
      reportError(err)
    })
    process.on('uncaughtException', (err) => {
      log.fatal({ err }, 'uncaught exception')
      reportError(err)
      void stopErrorReporting().finally(() => process.exit(1))
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    const isConfigError = error instanceof ConfigError
    console.error(isConfigError ? message : `cannot start: ${message}`)
    process.exit(isConfigError ? configErrorExitCode : 1)
  }
}
