import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { keycloakAdminUser, realmEnvironment } from '@clientele/stack/backing/backing'
import { startKeycloak } from '@clientele/stack/backing/keycloak'
import { startPostgres } from '@clientele/stack/backing/postgres'
import { rabbitmqControl, startRabbitmq } from '@clientele/stack/backing/rabbitmq'
import { releaseLauncherLock, takeLauncherLock } from '@clientele/stack/processes/launcher-lock'
import { freePorts, type Ports, portNames } from '@clientele/stack/profile/ports'
import { secretsOf } from '@clientele/stack/profile/secrets'
import { type Part, startPart } from './part.ts'

export type PartName = 'postgres' | 'rabbitmq' | 'keycloak'

/** PostgreSQL (durable), RabbitMQ and Keycloak of this suite's own, in a folder that outlives their restarts. */
export type Backing = {
  home: string
  parts: Record<PartName, Part>
  ports: Ports
  /** Runs `rabbitmqctl`. */
  control(args: string[]): Promise<void>
  close(): Promise<void>
}

/** Starts all three and points the helpers of `platform/testing`, which read the environment, to them. */
export const startBackingParts = async (): Promise<Backing> => {
  // The prefix is that of the test parts: what a killed run leaves is swept by the next one.
  const home = mkdtempSync(join(tmpdir(), 'clientele-test-faults-'))
  chmodSync(home, 0o711)
  takeLauncherLock(home, '')
  const free = await freePorts(portNames.length)
  const ports = Object.fromEntries(portNames.map((name, index) => [name, free[index]])) as Ports
  const secrets = secretsOf(home)
  const broker = {
    home,
    port: ports.RABBITMQ_PORT,
    managementPort: ports.RABBITMQ_MANAGEMENT_PORT,
    epmdPort: ports.RABBITMQ_EPMD_PORT,
    distributionPort: ports.RABBITMQ_DISTRIBUTION_PORT,
    user: 'clientele',
    password: secrets.rabbitmq,
  }
  const publicUrl = `http://localhost:${ports.KEYCLOAK_PORT}`
  const identity = {
    home,
    port: ports.KEYCLOAK_PORT,
    managementPort: ports.KEYCLOAK_MANAGEMENT_PORT,
    publicUrl,
    adminUser: keycloakAdminUser,
    adminPassword: secrets.keycloakAdmin,
    realmEnv: {
      ...realmEnvironment({ ports, secrets, publicUrl: 'http://localhost:8000' }, { kind: 'local' }),
      // Its file database would lose the last half second of what it has answered when it is killed.
      KC_DB_URL_PROPERTIES: ';WRITE_DELAY=0',
    },
  }
  const database = { home, port: ports.POSTGRES_PORT, password: secrets.postgres, durable: true, maxConnections: 300 }
  const started: Part[] = []
  const start = async (name: PartName, launch: Parameters<typeof startPart>[0]['launch']): Promise<Part> => {
    const part = await startPart({ name, home, launch })
    started.push(part)
    return part
  }
  const close = async () => {
    await Promise.allSettled(started.map((part) => part.stop()))
    releaseLauncherLock(home)
    rmSync(home, { recursive: true, force: true })
  }
  try {
    const [postgres, rabbitmq, keycloak] = await Promise.all([
      start('postgres', () => startPostgres(database)),
      start('rabbitmq', () => startRabbitmq(broker)),
      start('keycloak', () => startKeycloak(identity)),
    ])
    Object.assign(process.env, {
      TEST_POSTGRES_URL: postgres.url,
      TEST_RABBITMQ_URL: rabbitmq.url,
      TEST_RABBITMQ_MANAGEMENT_URL: `http://clientele:${encodeURIComponent(secrets.rabbitmq)}@127.0.0.1:${ports.RABBITMQ_MANAGEMENT_PORT}`,
      TEST_KEYCLOAK_URL: publicUrl,
      TEST_KEYCLOAK_ADMIN_USER: keycloakAdminUser,
      TEST_KEYCLOAK_ADMIN_PASSWORD: secrets.keycloakAdmin,
      CLIENTELE_LOGIN_SECRET: secrets.login,
      CLIENTELE_USER_SERVICE_SECRET: secrets.userService,
    })
    return {
      home,
      ports,
      parts: { postgres, rabbitmq, keycloak },
      control: (args) => rabbitmqControl(broker, args),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
