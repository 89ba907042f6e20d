import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { realmEnvironment } from '@clientele/stack/backing/backing-services'
import { launchKeycloak } from '@clientele/stack/backing/keycloak'
import { prepareKeycloak } from '@clientele/stack/backing/keycloak-cache'
import { startPostgres } from '@clientele/stack/backing/postgres'
import { oldestSystemPrograms } from '@clientele/stack/backing/postgres-programs'
import { acquireLauncherLock, releaseLauncherLock } from '@clientele/stack/processes/launcher-lock'
import { secretsOf } from '@clientele/stack/profile/secrets'
import pg from 'pg'
import { freeProductPorts } from '../start.process.ts'

const keycloakDatabase = 'keycloak'
const adminUser = 'admin'

/** Starts the oldest PostgreSQL on this machine, and a Keycloak that stores its data in it, as in production. */
export const startBackingServices = async () => {
  const home = mkdtempSync(join(tmpdir(), 'clientele-test-backup-'))
  chmodSync(home, 0o711)
  acquireLauncherLock(home, '')
  const ports = await freeProductPorts()
  const secrets = secretsOf(home)
  const postgres = await startPostgres({
    home,
    port: ports.POSTGRES_PORT,
    password: secrets.postgres,
    durable: false,
    programs: process.env['TEST_POSTGRES_PROGRAMS'] ?? oldestSystemPrograms(),
  })
  const sql = async (...statements: string[]) => {
    const client = new pg.Client({ connectionString: postgres.url })
    await client.connect()
    const results: pg.QueryResult[] = []
    for (const statement of statements) results.push(await client.query(statement))
    await client.end()
    return results
  }
  const keycloakUrl = `http://localhost:${ports.KEYCLOAK_PORT}`
  const databaseUrl = Object.assign(new URL(postgres.url), { pathname: `/${keycloakDatabase}` }).href
  let keycloak: { stop: () => Promise<unknown> } | undefined
  const startKeycloak = async () => {
    const distribution = await prepareKeycloak(() => undefined, undefined, 'postgres')
    const options = {
      home,
      port: ports.KEYCLOAK_PORT,
      managementPort: ports.KEYCLOAK_MANAGEMENT_PORT,
      publicUrl: keycloakUrl,
      adminUser,
      adminPassword: secrets.keycloakAdmin,
      realmEnv: {
        ...realmEnvironment({ ports, secrets, publicUrl: `http://localhost:${ports.GATEWAY_PORT}` }, { kind: 'local' }),
        KC_DB_URL: `jdbc:postgresql://127.0.0.1:${ports.POSTGRES_PORT}/${keycloakDatabase}`,
        KC_DB_USERNAME: 'postgres',
        KC_DB_PASSWORD: secrets.postgres,
      },
    }
    keycloak = await launchKeycloak(options, { name: 'keycloak', distribution, jvm: [] })
  }
  const stopKeycloak = async () => {
    await keycloak?.stop()
    keycloak = undefined
  }
  /** Replaces the databases by empty ones, as in a new installation, and starts Keycloak, which creates its tables. */
  const reset = async () => {
    await stopKeycloak()
    await sql(
      'drop database if exists clientele with (force)',
      `drop database if exists ${keycloakDatabase} with (force)`,
      `create database ${keycloakDatabase}`,
    )
    if (existsSync(join(home, 'keycloak'))) rmSync(join(home, 'keycloak'), { recursive: true })
    await startKeycloak()
  }
  return {
    home,
    ports,
    postgresUrl: postgres.url,
    version: String((await sql('show server_version'))[0]?.rows[0]?.server_version),
    keycloak: { url: keycloakUrl, databaseUrl, password: secrets.keycloakAdmin },
    reset,
    startKeycloak,
    stopKeycloak,
    close: async () => {
      await stopKeycloak()
      await postgres.stop()
      releaseLauncherLock(home)
      rmSync(home, { recursive: true, force: true })
    },
  }
}
