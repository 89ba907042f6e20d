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
import { addresses, at, type ServiceName, schemaOf, services } from './services.ts'
import { ownSettings } from './settings.ts'

const root = new URL('../', import.meta.url)

/** The whole product as processes of its own, on the test run's backing services. */
export type System = Awaited<ReturnType<typeof startSystem>>

const known = (name: ServiceName): ServiceName => {
  if (!services.includes(name)) throw new Error(`there is no ${name}, only ${services.join(', ')}`)
  return name
}

const ended = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null

/**
 * Starts gateway and services, migrated and ready; `overrides` are further environment variables by service. What they log
 * goes to `logFile`, or to the terminal.
 */
export const startSystem = async (
  overrides: Partial<Record<ServiceName, Record<string, string>>> = {},
  { logFile }: { logFile?: string } = {},
) => {
  for (const name of Object.keys(overrides)) known(name)
  const folder = await mkdtemp(join(tmpdir(), 'clientele-e2e-'))
  const broker = await testBroker()
  const databases = await Promise.all(
    Object.entries(schemaOf).map(async ([service, schema]) => {
      const migrations = new URL(`${service}/migrations/`, root)
      return [service, await testDatabase({ schema, migrations })] as const
    }),
  )
  const databaseOf = Object.fromEntries(databases)
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
    RABBITMQ_URL: broker.url,
    KEYCLOAK_URL: keycloak,
    KEYCLOAK_ISSUER: `${keycloak}/realms/clientele`,
    SHUTDOWN_PAUSE_MS: '0',
    DATABASE_URL: databaseOf[name]?.url,
    PUBLIC_URL: url('gateway'),
    ...addresses(url),
    ...ownSettings(name, { home: folder, publicUrl: url('gateway') }),
    RATE_LIMIT_AUTH: '10000',
    ...overrides[name],
  })

  const children = new Map<ServiceName, ChildProcess>()
  const spawnService = (name: ServiceName): void => {
    const main = new URL(`${known(name)}/src/main.ts`, root).pathname
    const output = logFile === undefined ? 'inherit' : openSync(logFile, 'a')
    const child = spawn(process.execPath, [...nodeFlagsOf(name), main], {
      env: environment(name),
      stdio: ['ignore', output, 'inherit'],
    })
    if (output !== 'inherit') closeSync(output)
    children.set(name, child)
  }
  const ready = (name: ServiceName) =>
    eventually(
      async () => {
        const child = children.get(name)
        if (child && ended(child)) throw new Error(`${name} ended with ${child.exitCode ?? child.signalCode}`)
        const response = await fetch(`${url(`${name}:internal`)}/health/ready`, { signal: AbortSignal.timeout(3_000) })
        if (!response.ok) throw new Error(`${name}: ${await response.text()}`)
      },
      { timeoutMs: 90_000, everyMs: 100 },
    )
  const stop = async (name: ServiceName, signal: NodeJS.Signals): Promise<void> => {
    const child = children.get(known(name))
    if (!child || ended(child)) return
    child.kill(signal)
    await Promise.race([once(child, 'exit'), new Promise((resolve) => setTimeout(resolve, 15_000).unref())])
    if (!ended(child)) child.kill('SIGKILL')
  }
  const start = async (name: ServiceName): Promise<void> => {
    spawnService(name)
    await ready(name)
  }

  const close = async (): Promise<void> => {
    await Promise.all(services.map((name) => stop(name, 'SIGTERM')))
    await Promise.all(Object.values(databaseOf).map((database) => database.drop()))
    await broker.close()
    await rm(folder, { recursive: true, force: true })
  }

  for (const name of services) spawnService(name)
  await Promise.all(services.map(ready)).catch(async (error: unknown) => {
    await close()
    throw error
  })
  return {
    gateway: url('gateway'),
    broker,
    url,
    pid: (name: ServiceName): number => children.get(known(name))?.pid ?? 0,
    kill: (name: ServiceName) => stop(name, 'SIGKILL'),
    terminate: (name: ServiceName) => stop(name, 'SIGTERM'),
    start,
    database: (name: ServiceName) => at(databaseOf, name).url,
    mediaFolder: join(folder, 'media'),
    close,
  }
}
