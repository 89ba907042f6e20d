import type { RequestListener } from 'node:http'
import express, { type Router } from 'express'
import type { Db } from '../data/db.ts'
import { type Broker, connectBroker } from '../events/broker.ts'
import type { Consumer } from '../events/consumer/consumer.ts'
import { startConsumers } from '../events/consumer/start-consumers.ts'
import { notFoundHandler, problemHandler } from '../http/error-response.ts'
import { requestIdOf } from '../http/request-lifecycle.ts'
import { listen } from '../http/server.ts'
import { ConfigError, type ServiceConfig } from '../runtime/config.ts'
import { reportFault, startFaultReports, stopFaultReports } from '../runtime/error-reporting.ts'
import { createLog, type Log } from '../runtime/log.ts'
import type { Task } from '../runtime/periodic-task.ts'
import { metrics, startTelemetry, stopTelemetry } from '../runtime/telemetry.ts'

/** What a service is made of. */
export type ServiceParts = {
  name: string
  config: ServiceConfig
  log?: Log
  /** The service's schema; with it come the relay of its outbox and its housekeeping. */
  db?: Db
  /** The folder of its migrations; the start is refused where one is missing. */
  migrations?: URL
  /** The app of the public port, such as an Express app. */
  app: RequestListener
  consumers?: Consumer[]
  /** At most so many events of bulk work leave the outbox in a second. */
  bulkEventsPerSecond?: number
  tasks?: Task[]
  /** Further routes of the internal port, which is never exposed. */
  internal?: Router
  /** Further checks of readiness by name; a rejection's message is shown. */
  ready?: Record<string, () => Promise<void> | void>
}

/** A running service; `receiving` rejects when its consumers get no events within `timeoutMs`. */
export type Service = {
  url: string
  internalUrl: string
  receiving(timeoutMs: number): Promise<void>
  stop(): Promise<void>
}

const checkTimeoutMs = 2_000

type Check = { name: string; status: 'up' | 'down'; detail?: string }

const runCheck = async (name: string, check: () => Promise<void> | void): Promise<Check> => {
  const timeout = new Promise<never>((_resolve, reject) => {
    setTimeout(() => reject(new Error('no answer in time')), checkTimeoutMs).unref()
  })
  return Promise.race([Promise.resolve().then(check), timeout]).then(
    () => ({ name, status: 'up' }),
    (error: Error) => ({ name, status: 'down', detail: error.message.slice(0, 200) }),
  )
}

type Checks = Record<string, () => Promise<void> | void>

const internalApp = (isReady: () => boolean, checks: Checks, hints: Checks, internal: Router | undefined) => {
  const app = express()
  app.disable('x-powered-by')
  app.get('/health/live', (_req, res) => void res.json({ status: 'up' }))
  app.get('/health/ready', async (_req, res) => {
    const run = (group: Checks) => Promise.all(Object.entries(group).map(([name, check]) => runCheck(name, check)))
    const [required, optional] = await Promise.all([run(checks), run(hints)])
    const up = isReady() && required.every(({ status }) => status === 'up')
    res.status(up ? 200 : 503).json({ status: up ? 'up' : 'down', checks: [...required, ...optional] })
  })
  app.get('/metrics', async (_req, res) => void res.type(metrics.contentType).send(await metrics.metrics()))
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
  if (!broker.healthy()) throw new Error('not connected; changes are kept and published later')
}

/**
 * Starts a service: schema check, HTTP, relay, consumers, tasks. A broker that is away does not hold it up.
 * Where it cannot start, it closes what it was given.
 * @throws Error where the schema lacks a migration or a port is taken
 */
export const startService = (parts: ServiceParts): Promise<Service> =>
  start(parts).catch(async (error: unknown) => {
    await parts.db?.close()
    throw error
  })

const start = async (parts: ServiceParts): Promise<Service> => {
  const { name, config, db, migrations, bulkEventsPerSecond, consumers = [], internal } = parts
  const log = parts.log ?? createLog({ name, level: config.logLevel })
  await startTelemetry({ service: name, otlpEndpoint: config.otelExporterOtlpEndpoint })
  await startFaultReports({ dsn: config.sentryDsn, service: name })
  const database =
    db &&
    (await (await import('./database-parts.ts')).checkedDatabase({ db, migrations, name, log, bulkEventsPerSecond }))

  const broker = connectBroker({ url: config.rabbitmqUrl, name, log })
  const relay = database?.relay(broker)
  const tasks = [...(database?.tasks ?? []), ...(parts.tasks ?? [])]
  let ready = false
  const checks = { ...(db && { database: db.ping }), ...parts.ready }
  const hints = { broker: brokerCheck(broker) }
  const internalServer = await listen(
    internalApp(() => ready, checks, hints, internal),
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
  }).catch(async (error: unknown) => {
    await Promise.allSettled([internalServer.drain(0), broker.close()])
    throw error
  })
  relay?.start()
  const running = startConsumers(consumers, { broker, service: name, log, ...(db && { db }) })
  for (const task of tasks) await task.start()
  ready = true
  log.info({ port: new URL(server.url).port }, 'started')

  const stop = async (): Promise<void> => {
    ready = false
    // A connection that is closed while a client writes to it costs a request: during the pause they end with an answer.
    server.retire()
    const deadline = Date.now() + config.shutdownMs
    await new Promise((resolve) => setTimeout(resolve, config.shutdownPauseMs))
    await Promise.allSettled([running.stop(), ...tasks.map((task) => task.stop())])
    await server.drain(Math.max(deadline - Date.now(), 100))
    await relay?.stop()
    await broker.close()
    await db?.close()
    await internalServer.drain(100)
    await Promise.all([stopTelemetry(), stopFaultReports()])
    log.info('stopped')
  }
  return { url: server.url, internalUrl: internalServer.url, receiving: running.ready, stop }
}

const exitSoon = (code: number): void => {
  process.exitCode = code
  setTimeout(() => process.exit(code), 200).unref()
}

/**
 * The body of every `main.ts`: builds the parts, starts them, and stops in order on SIGTERM or SIGINT under `shutdownMs`.
 * A fault at start is one readable line and exit code 1.
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
        log.error('not stopped in time')
        process.exit(1)
      }, parts.config.shutdownMs + 5_000).unref()
      service.stop().then(
        () => exitSoon(0),
        (err: unknown) => {
          log.error({ err }, 'stopped with a fault')
          exitSoon(1)
        },
      )
    }
    process.on('SIGTERM', onSignal)
    process.on('SIGINT', onSignal)
    process.on('unhandledRejection', (err) => {
      log.error({ err }, 'unhandled rejection')
      reportFault(err)
    })
    process.on('uncaughtException', (err) => {
      log.fatal({ err }, 'uncaught exception')
      reportFault(err)
      void stopFaultReports().finally(() => process.exit(1))
    })
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error)
    console.error(error instanceof ConfigError ? message : `cannot start: ${message}`)
    process.exit(1)
  }
}
