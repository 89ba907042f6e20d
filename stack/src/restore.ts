import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { chooseSources, realmEnvironment, startBackingServices } from './backing/backing-services.ts'
import { removeContainers } from './backing/docker.ts'
import { adminUserFrom, signInAsKeycloakAdmin } from './backing/keycloak-admin.ts'
import { provisionAndMigrate } from './backing/provision.ts'
import { prepareRealm } from './backing/realm.ts'
import { consistencyChecks } from './backup/consistency.ts'
import {
  type Installation,
  isRemoteInstallation,
  localInstallation,
  remoteInstallation,
} from './backup/installation.ts'
import { loadBackup } from './backup/load.ts'
import { withSessions } from './backup/sessions.ts'
import { runChecks } from './checks/run-checks.ts'
import { parseArguments } from './processes/arguments.ts'
import { stopLeftovers } from './processes/child.ts'
import { fail } from './processes/fail.ts'
import { acquireLauncherLock, releaseLauncherLock } from './processes/launcher-lock.ts'
import { logProgress } from './processes/progress.ts'
import { loadSettings } from './profile/settings.ts'

const usage = `usage: npm run restore -- --from <folder> [--overwrite]
Restores a backup of \`npm run backup\` and checks the result. Stop the services first.

  --from FOLDER   the folder of the backup
  --overwrite     replaces the data of this installation`

const { values } = parseArguments(
  { options: { from: { type: 'string' }, overwrite: { type: 'boolean', default: false } } },
  usage,
)
const folder = resolve(values.from ?? fail(usage))
const log = (text: string) => logProgress('restore', text)
const adminUser = adminUserFrom(process.env)

const load = (installation: Installation, url: string, password: string): Promise<void> =>
  loadBackup(installation, folder, {
    overwrite: values.overwrite,
    log,
    keycloakAdmin: () => signInAsKeycloakAdmin(url, adminUser, password),
  })

/** Checks the restored data. @returns how many checks failed */
const check = (installation: Installation): Promise<number> =>
  withSessions(installation.databases, (sessions) =>
    runChecks(consistencyChecks(installation, sessions, { restored: true }), ({ fix }) => fix),
  )

const restoreRemote = async (): Promise<number> => {
  const installation = await remoteInstallation()
  const password = process.env.CLIENTELE_KEYCLOAK_ADMIN_PASSWORD ?? ''
  await load(installation, installation.keycloak.url ?? '', password)
  return check(installation)
}

/** Restores the local profile. Starts its backing services, but not its services, and stops them afterwards. */
const restoreLocal = async (): Promise<number> => {
  const settings = loadSettings()
  const { home, ports, secrets, publicUrl, keycloakPublicUrl } = settings
  const holder = acquireLauncherLock(home, publicUrl)
  if (holder) return fail(`Clientele is running (process ${holder.pid}). Stop it first: npm stop`)
  try {
    await stopLeftovers(home)
    await removeContainers(home, { volumes: false })
    const sources = await chooseSources(logProgress, home)
    const options = { home, ports, secrets, durable: true, publicUrl, keycloakPublicUrl, log: logProgress }
    const backing = startBackingServices(options, sources)
    try {
      const [postgres, rabbitmq, keycloak] = await Promise.all([backing.postgres, backing.rabbitmq, backing.keycloak])
      await provisionAndMigrate({ postgresUrl: postgres.url, secrets })
      const broker = rabbitmq.managementUrl ?? process.env.RABBITMQ_MANAGEMENT_URL
      const installation = await localInstallation(settings, postgres.url, broker)
      await load(installation, keycloak.url, secrets.keycloakAdmin)
      // The realm needs the addresses and secrets of this data folder. No demo data: the restored data may be real.
      const admin = await signInAsKeycloakAdmin(keycloak.url, adminUser, secrets.keycloakAdmin)
      for (const change of await prepareRealm(admin, realmEnvironment(options, sources.keycloak), {
        home,
        demo: false,
      }))
        logProgress('realm', change)
      writeFileSync(join(home, 'demo-data'), '')
      return await check(installation)
    } finally {
      await backing.stop()
    }
  } finally {
    releaseLauncherLock(home)
  }
}

try {
  const failures = await (isRemoteInstallation() ? restoreRemote() : restoreLocal())
  if (failures > 0) fail('the backup was restored, but some checks failed: see above')
  log('the backup was restored; start the services now')
} catch (error) {
  fail(error)
}
process.exit()
