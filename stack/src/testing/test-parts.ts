import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chooseAll, keycloakAdminUser, startBacking } from '../backing/backing.ts'
import { removeContainers } from '../backing/docker.ts'
import { startFakeGcs } from '../backing/fake-gcs.ts'
import type { Running } from '../backing/postgres.ts'
import { stopLeftovers } from '../processes/child.ts'
import { releaseLauncherLock, runningLauncher, takeLauncherLock } from '../processes/launcher-lock.ts'
import { freePorts, type Ports, portNames } from '../profile/ports.ts'
import { secretsOf } from '../profile/secrets.ts'
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

export type TestParts = { env: Record<string, string>; stop: () => Promise<void> }

const prefix = 'clientele-test-'

/** The real parts that the tests run on, in a data folder of their own that goes away with them. `durable` keeps the database's fsync on. */
export const startTestParts = async (
  say: (part: string, text: string) => void,
  signal: AbortSignal,
  { durable = false }: { durable?: boolean } = {},
): Promise<TestParts> => {
  await sweepOldRuns()
  const home = mkdtempSync(join(tmpdir(), prefix))
  // The database's own account has to get through.
  chmodSync(home, 0o711)
  takeLauncherLock(home, '')
  const ports = await portsForTests()
  const [gcsPort = 0] = await freePorts(1)
  const secrets = secretsOf(home)
  // Addresses that were given for `npm start` are not for tests: these make and drop databases.
  const choices = await chooseAll(say, home, {
    ...(process.env.CLIENTELE_BACKING ? { CLIENTELE_BACKING: process.env.CLIENTELE_BACKING } : {}),
  })
  const keycloakPublicUrl = `http://localhost:${ports.KEYCLOAK_PORT}`
  const publicUrl = 'http://localhost:8000'
  const backing = startBacking({ home, ports, secrets, durable, publicUrl, keycloakPublicUrl, say, signal }, choices)
  const gcs: Promise<Running> = startFakeGcs({ home, port: gcsPort, say: (text) => say('fake-gcs', text) })
  const chromium = findChromium((text) => say('chromium', text))
  const prometheus = findPrometheus((text) => say('prometheus', text))
  const stop = async () => {
    await Promise.allSettled([backing.stop(), gcs.then((part) => part.stop())])
    releaseLauncherLock(home)
    rmSync(home, { recursive: true, force: true })
  }
  try {
    const parts = [
      backing.postgres,
      backing.rabbitmq,
      backing.keycloak,
      backing.mail,
      gcs,
      chromium,
      prometheus,
    ] as const
    const [postgres, rabbitmq, keycloak, mail, bucket, browser, monitor] = await Promise.all(parts)
    const env: Record<(typeof testVariables)[number], string> = {
      TEST_POSTGRES_URL: postgres.url,
      TEST_RABBITMQ_URL: rabbitmq.url,
      TEST_RABBITMQ_MANAGEMENT_URL: rabbitmq.managementUrl ?? '',
      TEST_RABBITMQ_METRICS_URL: rabbitmq.metricsUrl ?? '',
      TEST_KEYCLOAK_URL: keycloak.url,
      TEST_KEYCLOAK_ADMIN_USER: keycloakAdminUser,
      TEST_KEYCLOAK_ADMIN_PASSWORD: secrets.keycloakAdmin,
      TEST_MAIL_URL: mail.url,
      TEST_SMTP_PORT: String(ports.SMTP_PORT),
      TEST_GCS_URL: bucket.url,
      CHROMIUM_PATH: browser,
      PROMETHEUS_PATH: monitor,
      CLIENTELE_LOGIN_SECRET: secrets.login,
      CLIENTELE_USER_SERVICE_SECRET: secrets.userService,
    }
    return { env, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const portsForTests = async (): Promise<Ports> => {
  const free = await freePorts(portNames.length)
  return Object.fromEntries(portNames.map((name, index) => [name, free[index]])) as Ports
}

/** Stops and removes what a killed test run left behind. */
export const sweepOldRuns = async (): Promise<void> => {
  for (const name of readdirSync(tmpdir()).filter((entry) => entry.startsWith(prefix))) {
    const home = join(tmpdir(), name)
    if (!existsSync(join(home, 'launcher.json')) || runningLauncher(home)) continue
    await stopLeftovers(home)
    await removeContainers(home, { volumes: true })
    rmSync(home, { recursive: true, force: true })
  }
}
