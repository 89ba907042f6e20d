import { chmodSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { realmEnvironment } from '@clientele/stack/backing/backing-services'
import { startKeycloak } from '@clientele/stack/backing/keycloak'
import { keycloakAdminUser } from '@clientele/stack/backing/keycloak-admin'
import { startPostgres } from '@clientele/stack/backing/postgres'
import { rabbitmqControl, startRabbitmq } from '@clientele/stack/backing/rabbitmq'
import { acquireLauncherLock, releaseLauncherLock } from '@clientele/stack/processes/launcher-lock'
import { freePorts, type Ports, portNames } from '@clientele/stack/profile/ports'
import { secretsOf } from '@clientele/stack/profile/secrets'
import { type BackingServer, startBackingServer } from './backing-server.ts'

export type BackingServiceName = 'postgres' | 'rabbitmq' | 'keycloak'

/** A PostgreSQL (durable), RabbitMQ and Keycloak for this suite alone. Their data in `home` survives restarts. */
export type BackingServices = {
  home: string
  servers: Record<BackingServiceName, BackingServer>
  ports: Ports
  /** Runs `rabbitmqctl`. */
  control(args: string[]): Promise<void>
  close(): Promise<void>
}

/** Starts all three and sets the environment variables that `platform/testing` reads. */
export const startBackingServices = async (): Promise<BackingServices> => {
  // With this prefix the next test run cleans up after a run that was killed.
  const home = mkdtempSync(join(tmpdir(), 'clientele-test-faults-'))
  chmodSync(home, 0o711)
  acquireLauncherLock(home, '')
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
      // Otherwise Keycloak's file database loses the last half second of acknowledged writes when it is killed.
      KC_DB_URL_PROPERTIES: ';WRITE_DELAY=0',
    },
  }
  const database = { home, port: ports.POSTGRES_PORT, password: secrets.postgres, durable: true, maxConnections: 300 }
  const started: BackingServer[] = []
  const start = async (
    name: BackingServiceName,
    launch: Parameters<typeof startBackingServer>[0]['launch'],
  ): Promise<BackingServer> => {
    const part = await startBackingServer({ name, home, launch })
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
      servers: { postgres, rabbitmq, keycloak },
      control: (args) => rabbitmqControl(broker, args),
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
