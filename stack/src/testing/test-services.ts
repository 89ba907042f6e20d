import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { quickHashes } from '@clientele/platform/testing/realm'
import { chooseSources, startBackingServices } from '../backing/backing-services.ts'
import { removeContainers } from '../backing/docker.ts'
import { startFakeGcs } from '../backing/fake-gcs.ts'
import { keycloakAdminUser, signInAsKeycloakAdmin } from '../backing/keycloak-admin.ts'
import type { ServiceHandle } from '../backing/postgres.ts'
import { installSandbox } from '../backing/system-packages.ts'
import { stopLeftovers } from '../processes/child.ts'
import { acquireLauncherLock, releaseLauncherLock, runningLauncher } from '../processes/launcher-lock.ts'
import { freePorts, type Ports, portNames } from '../profile/ports.ts'
import { secretsOf } from '../profile/secrets.ts'
import { realmName } from '../profile/services.ts'
import { findChromium } from '../tools/chromium.ts'
import { findPrometheus } from '../tools/prometheus.ts'

export const testVariables = [
  'TEST_POSTGRES_URL',
  'TEST_RABBITMQ_URL',
  'TEST_RABBITMQ_MANAGEMENT_URL',
  'TEST_RABBITMQ_METRICS_URL',
  'TEST_KEYCLOAK_URL',
  'TEST_KEYCLOAK_ADMIN_USER',
  'TEST_KEYCLOAK_ADMIN_PASSWORD',
  'TEST_MAIL_URL',
  'TEST_SMTP_PORT',
  'TEST_GCS_URL',
  'CHROMIUM_PATH',
  'PROMETHEUS_PATH',
  'CLIENTELE_LOGIN_SECRET',
  'CLIENTELE_USER_SERVICE_SECRET',
] as const
type TestVariable = (typeof testVariables)[number]

export type TestServices = { env: Record<string, string>; stop: () => Promise<void> }

const prefix = 'clientele-test-'

/**
 * Starts the backing services for tests in a temporary data folder, which `stop` removes. `durable` keeps the database's fsync
 * on. `extended` adds the object storage and Prometheus, which the extended tests need. `env` holds the variables for tests.
 */
export const startTestServices = async (
  log: (source: string, text: string) => void,
  signal: AbortSignal,
  { durable = false, extended = true }: { durable?: boolean; extended?: boolean } = {},
): Promise<TestServices> => {
  await cleanUpOldRuns()
  const home = mkdtempSync(join(tmpdir(), prefix))
  // The account that runs the database has to reach its data.
  chmodSync(home, 0o711)
  acquireLauncherLock(home, '')
  const ports = await portsForTests()
  const [gcsPort = 0] = await freePorts(1)
  const secrets = secretsOf(home)
  // Tests create and drop databases, so they ignore the addresses that are set for `npm start`.
  const sources = await chooseSources(log, home, {
    ...(process.env.CLIENTELE_BACKING ? { CLIENTELE_BACKING: process.env.CLIENTELE_BACKING } : {}),
  })
  await installSandbox((text) => log('bubblewrap', text))
  const keycloakPublicUrl = `http://localhost:${ports.KEYCLOAK_PORT}`
  const publicUrl = 'http://localhost:8000'
  const backing = startBackingServices(
    { home, ports, secrets, durable, publicUrl, keycloakPublicUrl, log, signal },
    sources,
  )
  const gcs: Promise<ServiceHandle> | undefined = extended
    ? startFakeGcs({ home, port: gcsPort, log: (text) => log('fake-gcs', text) })
    : undefined
  const chromium = findChromium((text) => log('chromium', text))
  const prometheus = extended ? findPrometheus((text) => log('prometheus', text)) : undefined
  const stop = async () => {
    await Promise.allSettled([backing.stop(), gcs?.then((service) => service.stop())])
    releaseLauncherLock(home)
    rmSync(home, { recursive: true, force: true })
  }
  try {
    const services = [
      backing.postgres,
      backing.rabbitmq,
      backing.keycloak,
      backing.mail,
      gcs,
      chromium,
      prometheus,
    ] as const
    const [postgres, rabbitmq, keycloak, mail, bucket, browser, monitor] = await Promise.all(services)
    await hashQuickly(keycloak.url, secrets.keycloakAdmin)
    const env: Partial<Record<TestVariable, string>> = {
      TEST_POSTGRES_URL: postgres.url,
      TEST_RABBITMQ_URL: rabbitmq.url,
      TEST_RABBITMQ_MANAGEMENT_URL: rabbitmq.managementUrl ?? '',
      TEST_RABBITMQ_METRICS_URL: rabbitmq.metricsUrl ?? '',
      TEST_KEYCLOAK_URL: keycloak.url,
      TEST_KEYCLOAK_ADMIN_USER: keycloakAdminUser,
      TEST_KEYCLOAK_ADMIN_PASSWORD: secrets.keycloakAdmin,
      TEST_MAIL_URL: mail.url,
      TEST_SMTP_PORT: String(ports.SMTP_PORT),
      CHROMIUM_PATH: browser,
      CLIENTELE_LOGIN_SECRET: secrets.login,
      CLIENTELE_USER_SERVICE_SECRET: secrets.userService,
      ...(bucket && { TEST_GCS_URL: bucket.url }),
      ...(monitor !== undefined && { PROMETHEUS_PATH: monitor }),
    }
    return { env, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** Tests create hundreds of users and sign in thousands of times. */
const hashQuickly = async (url: string, password: string): Promise<void> => {
  const { call } = await signInAsKeycloakAdmin(url, keycloakAdminUser, password)
  const { passwordPolicy } = (await call('GET', `/${realmName}`)) as { passwordPolicy: string }
  await call('PUT', `/${realmName}`, { passwordPolicy: `${passwordPolicy} and ${quickHashes}` })
}

const portsForTests = async (): Promise<Ports> => {
  const free = await freePorts(portNames.length)
  return Object.fromEntries(portNames.map((name, index) => [name, free[index]])) as Ports
}

/** Stops the services of killed test runs, and removes their data. */
export const cleanUpOldRuns = async (): Promise<void> => {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const home = join(tmpdir(), name)
    if (!existsSync(join(home, 'launcher.json')) || runningLauncher(home)) continue
    await stopLeftovers(home)
    await removeContainers(home, { volumes: true })
    rmSync(home, { recursive: true, force: true })
  }
}
