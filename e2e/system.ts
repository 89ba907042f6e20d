import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, openSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { testBroker } from '@clientele/platform/testing/broker'
import { testDatabase, testEnv } from '@clientele/platform/testing/database'
import { eventually } from '@clientele/platform/testing/wait'
import { nodeEnv, nodeFlagsOf } from '@clientele/stack/processes/node-memory'
import { freePorts } from '@clientele/stack/profile/ports'
import { createBrokerAccounts } from './broker-accounts.ts'
import { serviceSettings } from './service-settings.ts'
import { type ServiceName, schemaOf, services, serviceUrls, valueFor } from './services.ts'

const root = new URL('../', import.meta.url)

/** All services and the gateway as separate processes, on the backing services of the test run. */
export type System = Awaited<ReturnType<typeof startSystem>>

const checkName = (name: ServiceName): ServiceName => {
  if (!services.includes(name)) throw new Error(`unknown service ${name}; services: ${services.join(', ')}`)
  return name
}

const hasEnded = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/**
 * Migrates the databases, starts the gateway and all services, and waits until they are ready. `overrides` adds environment
 * variables for single services. Logs go to `logFile`, or to the terminal.
 */
export const startSystem = async (
  overrides: Partial<Record<ServiceName, Record<string, string>>> = {},
  { logFile }: { logFile?: string } = {},
) => {
  for (const name of Object.keys(overrides)) checkName(name)
  const folder = await mkdtemp(join(tmpdir(), 'clientele-e2e-'))
  const broker = await testBroker()
  const accounts = await createBrokerAccounts(broker.url)
  const databases = await Promise.all(
    Object.entries(schemaOf).map(async ([service, schema]) => {
      const migrations = new URL(`${service}/migrations/`, root)
      return [service, await testDatabase({ schema, migrations })] as const
    }),
  )
  const databaseByService = Object.fromEntries(databases)
  const free = await freePorts(services.length * 2)
  const ports = new Map(
    services.flatMap((name) => [name, `${name}:internal`]).map((name, index) => [name, free[index]]),
  )
  const url = (name: string) => `http://localhost:${ports.get(name)}`
  const keycloak = testEnv('TEST_KEYCLOAK_URL')

  const environment = (name: ServiceName): NodeJS.ProcessEnv => ({
    PATH: process.env['PATH'],
    ...nodeEnv(),
    PROFILE: 'local',
    LOG_LEVEL: process.env['TEST_LOG'] ?? 'warn',
    HOST: '127.0.0.1',
    PORT: String(ports.get(name)),
    INTERNAL_HOST: '127.0.0.1',
    INTERNAL_PORT: String(ports.get(`${name}:internal`)),
    RABBITMQ_URL: accounts.url(name),
    KEYCLOAK_URL: keycloak,
    KEYCLOAK_ISSUER: `${keycloak}/realms/clientele`,
    SHUTDOWN_PAUSE_MS: '0',
    DATABASE_URL: databaseByService[name]?.url,
    PUBLIC_URL: url('gateway'),
    ...serviceUrls(url),
    ...serviceSettings(name, { home: folder, publicUrl: url('gateway') }),
    RATE_LIMIT_AUTH: '10000',
    RATE_LIMIT_REFRESH: '10000',
    ...overrides[name],
  })

  const children = new Map<ServiceName, ChildProcess>()
  const spawnService = (name: ServiceName): void => {
    const main = new URL(`${checkName(name)}/src/main.ts`, root).pathname
    const output = logFile === undefined ? 'inherit' : openSync(logFile, 'a')
    const child = spawn(process.execPath, [...nodeFlagsOf(name), main], {
      env: environment(name),
      stdio: ['ignore', output, 'inherit'],
    })
    if (output !== 'inherit') closeSync(output)
    children.set(name, child)
  }
  const waitUntilReady = (name: ServiceName) =>
    eventually(
      async () => {
        const child = children.get(name)
        if (child && hasEnded(child)) throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}`)
        const response = await fetch(`${url(`${name}:internal`)}/health/ready`, { signal: AbortSignal.timeout(3_000) })
        if (!response.ok) throw new Error(`${name}: ${await response.text()}`)
      },
      { timeoutMs: 90_000, everyMs: 100 },
    )
  const stop = async (name: ServiceName, signal: NodeJS.Signals): Promise<void> => {
    const child = children.get(checkName(name))
    if (!child || hasEnded(child)) return
    child.kill(signal)
    await Promise.race([once(child, 'exit'), new Promise((resolve) => setTimeout(resolve, 15_000).unref())])
    if (!hasEnded(child)) child.kill('SIGKILL')
  }
  const start = async (name: ServiceName): Promise<void> => {
    spawnService(name)
    await waitUntilReady(name)
  }

  const close = async (): Promise<void> => {
    await Promise.all(services.map((name) => stop(name, 'SIGTERM')))
    await Promise.all(Object.values(databaseByService).map((database) => database.drop()))
    await broker.close()
    await accounts.remove()
    await rm(folder, { recursive: true, force: true })
  }

  for (const name of services) spawnService(name)
  await Promise.all(services.map(waitUntilReady)).catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    gateway: url('gateway'),
    broker,
    /** The URL of the broker with the account of a service. */
    brokerUrl: accounts.url,
    brokerOperatorUrl: accounts.operatorUrl,
    url,
    pid: (name: ServiceName): number => children.get(checkName(name))?.pid ?? 0,
    kill: (name: ServiceName) => stop(name, 'SIGKILL'),
    terminate: (name: ServiceName) => stop(name, 'SIGTERM'),
    start,
    database: (name: ServiceName) => valueFor(databaseByService, name).url,
    /** The URL of a service's database with the role that owns the schema. */
    ownerDatabase: (name: ServiceName) => valueFor(databaseByService, name).ownerUrl,
    /** The URL of a service's database for the PostgreSQL superuser. */
    adminDatabase: (name: ServiceName) => valueFor(databaseByService, name).adminUrl,
    mediaFolder: join(folder, 'media'),
    close,
  }
}
