import { setTimeout as pause } from 'node:timers/promises'
import {
  type BackingServices,
  chooseSources,
  realmEnvironment,
  startBackingServices,
} from './backing/backing-services.ts'
import { removeContainers } from './backing/docker.ts'
import { adminUserFrom, signInAsKeycloakAdmin } from './backing/keycloak-admin.ts'
import { archiveKeycloakClasses } from './backing/keycloak-archive.ts'
import { provisionAndMigrate } from './backing/provision.ts'
import { isRealmPrepared, prepareRealm } from './backing/realm.ts'
import type { BackingServiceName, ServiceSource } from './backing/service-source.ts'
import { formatSummary } from './backing/start-summary.ts'
import { installSandbox } from './backing/system-packages.ts'
import { provisionLocalBroker } from './broker/accounts.ts'
import { createDemoData } from './demo/demo-data.ts'
import { stopLeftovers } from './processes/child.ts'
import { acquireLauncherLock, releaseLauncherLock } from './processes/launcher-lock.ts'
import { elapsedSeconds, logProgress } from './processes/progress.ts'
import { type Supervised, supervise } from './processes/supervisor.ts'
import { isResponding, waitFor } from './processes/wait.ts'
import { hostInUrl, isLoopback } from './profile/host.ts'
import { findPortConflicts, type PortName } from './profile/ports.ts'
import { type ServiceEnvironment, serviceEnv, services } from './profile/services.ts'
import { loadSettings, type Settings } from './profile/settings.ts'

const watch = process.argv.includes('--watch')

const portsByService: Record<BackingServiceName, PortName[]> = {
  postgres: ['POSTGRES_PORT'],
  rabbitmq: ['RABBITMQ_PORT', 'RABBITMQ_MANAGEMENT_PORT', 'RABBITMQ_METRICS_PORT'],
  keycloak: ['KEYCLOAK_PORT', 'KEYCLOAK_MANAGEMENT_PORT'],
}
const erlangPorts: PortName[] = ['RABBITMQ_EPMD_PORT', 'RABBITMQ_DISTRIBUTION_PORT']

const requiredPorts = (sources: Record<BackingServiceName, ServiceSource>): PortName[] => [
  ...services.flatMap(({ port, internalPort }) => [port, internalPort]),
  'SMTP_PORT',
  'MAIL_PORT',
  ...(Object.keys(portsByService) as BackingServiceName[]).flatMap((part) =>
    sources[part].kind === 'external' ? [] : portsByService[part],
  ),
  ...(sources.rabbitmq.kind === 'local' ? erlangPorts : []),
]

// A Keycloak on another machine has other users, so it must not get accounts with public passwords.
const allowsDemo = (keycloak: ServiceSource): boolean =>
  keycloak.kind !== 'external' || isLoopback(new URL(keycloak.url).hostname)

/** Everything that was started. It is stopped in the opposite order. */
const running: { backing?: BackingServices; services: Supervised[]; archive?: Promise<void> } = { services: [] }
const stopping = new AbortController()

const startAll = async (settings: Settings): Promise<void> => {
  const { home, host, ports, secrets } = settings
  const leftovers = [...(await stopLeftovers(home)), ...(await removeContainers(home, { volumes: false }))]
  if (leftovers.length > 0)
    logProgress('start', `stopped ${leftovers.length} processes that an interrupted start left behind`)
  const sources = await chooseSources(logProgress, home)
  await installSandbox((text) => logProgress('bubblewrap', text))
  const conflicts = await findPortConflicts(ports, requiredPorts(sources))
  if (conflicts.length > 0) throw new Error(conflicts.join('\n'))
  // What starts after a stop would not be stopped.
  stopping.signal.throwIfAborted()

  const options = { ...settings, durable: true, log: logProgress, signal: stopping.signal }
  const backing = startBackingServices(options, sources)
  running.backing = backing
  const demo = allowsDemo(sources.keycloak)
  const migrated = backing.postgres.then(async ({ url }) => {
    for (const line of await provisionAndMigrate({ postgresUrl: url, secrets }, stopping.signal))
      logProgress('migrations', line)
  })
  const realm = backing.keycloak.then(async ({ url }) => {
    const admin = await signInAsKeycloakAdmin(url, adminUserFrom(process.env), secrets.keycloakAdmin).catch(
      (error: Error) => {
        if (!isRealmPrepared(home)) throw error
        logProgress('keycloak', `${error.message}; the realm was not updated`)
      },
    )
    if (!admin) return
    for (const change of await prepareRealm(admin, realmEnvironment(options, sources.keycloak), { home, demo }))
      logProgress('realm', change)
  })
  // Awaited below; until then a failure must not end the process before the backing services are stopped.
  realm.catch(() => undefined)
  // Start the services while Keycloak, which takes longest, is still starting.
  const accounts = backing.rabbitmq.then(async ({ url, managementUrl = process.env.RABBITMQ_ADMIN_URL }) => {
    if (managementUrl) await provisionLocalBroker(managementUrl, url, secrets)
    else
      logProgress(
        'rabbitmq',
        'RABBITMQ_ADMIN_URL is not set, so all services use the account in CLIENTELE_RABBITMQ_URL',
      )
    return Boolean(managementUrl)
  })
  const [postgres, rabbitmq, hasBrokerAccounts] = await Promise.all([
    backing.postgres,
    backing.rabbitmq,
    accounts,
    migrated,
  ])
  stopping.signal.throwIfAborted()
  const environment: ServiceEnvironment = {
    ...settings,
    postgresUrl: postgres.url,
    rabbitmqUrl: rabbitmq.url,
    hasBrokerAccounts,
  }
  logProgress('services', `starting ${services.map(({ name }) => name).join(', ')}`)
  let isStarting = true
  const earlyErrors = new Set<string>()
  running.services = services.map((row) =>
    supervise({
      name: row.name,
      home,
      env: serviceEnv(row, environment),
      watch,
      log: (text) => logProgress(row.name, text),
      // Services log errors until Keycloak is ready. They are only of interest if the start fails.
      onError: (message) => (isStarting ? earlyErrors.add(`${row.name}: ${message}`) : logProgress(row.name, message)),
    }),
  )
  const misconfigured = Promise.race(running.services.map((service) => service.misconfigured))
  const gateway = `http://${hostInUrl(host)}:${ports.GATEWAY_PORT}`
  const waitUntilReady = async () => {
    const [{ url: mailUrl }] = await Promise.all([backing.mail, backing.keycloak, realm])
    const ready = () => isResponding(`${gateway}/health/ready`)
    await waitFor(ready, { name: 'the gateway', timeoutMs: 120_000, intervalMs: 100, signal: stopping.signal })
    return mailUrl
  }
  const mailUrl = await Promise.race([waitUntilReady(), misconfigured]).catch((error: Error) => {
    for (const message of earlyErrors) logProgress('services', message)
    throw error
  })
  isStarting = false
  logProgress('services', 'ready')
  const demoCounts = !demo
    ? undefined
    : await createDemoData(gateway, home).catch((error: Error) => {
        logProgress('demo data', `incomplete, the next start continues: ${error.message}`)
      })
  stopping.signal.throwIfAborted()
  if (demoCounts && demoCounts.customers > 0)
    logProgress(
      'demo data',
      `${demoCounts.customers} customers with photos, ${demoCounts.products} products, ${demoCounts.orders} orders`,
    )
  process.stdout.write(
    formatSummary({
      ...settings,
      mailUrl,
      hasRabbitmqConsole: sources.rabbitmq.kind !== 'external',
      demo,
      seconds: elapsedSeconds(),
    }),
  )
  if (sources.keycloak.kind === 'local')
    running.archive = archiveKeycloakClasses(home, stopping.signal).catch(() => undefined)
}

const stopAll = async (home: string): Promise<void> => {
  await Promise.allSettled(running.services.map((service) => service.stop()))
  await Promise.allSettled([running.backing?.stop(), running.archive])
  releaseLauncherLock(home)
}

const settings = loadSettings()
const holder = acquireLauncherLock(settings.home, settings.publicUrl)
if (holder) {
  process.stdout.write(
    `Clientele is already running at ${holder.url ?? 'an unknown address'} (process ${holder.pid}).\n`,
  )
  process.exit(0)
}

const requestStop = (reason: string) => {
  if (stopping.signal.aborted) return
  stopping.abort(new Error(reason))
  logProgress('stop', reason)
}
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.on(signal, () => requestStop('stopping all processes; the data is kept'))
// stack/start.mjs, which started this process, was killed.
process.on('disconnect', () => requestStop('the process that started this one has ended: stopping all processes'))

const aborted = new Promise<undefined>((resolve) => {
  stopping.signal.addEventListener('abort', () => resolve(undefined), { once: true })
})
const started = startAll(settings).then(
  () => undefined,
  (error: unknown) => (stopping.signal.aborted ? undefined : error),
)
const startError = await Promise.race([started, aborted])
if (startError) {
  // Do not wait for services that are still starting.
  stopping.abort(new Error('the start failed'))
  process.stderr.write(`\n${startError instanceof Error ? startError.message : String(startError)}\n\n`)
} else if (!stopping.signal.aborted) {
  await aborted
}
await stopAll(settings.home)
// The start fails by itself now; what it was just starting must not outlive this process.
await Promise.race([started, pause(5000)])
if (!startError) logProgress('stop', 'stopped')
process.exit(startError ? 1 : 0)
