import { writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { chooseAll, keycloakAdminUser, realmEnvironment, startBacking } from './backing/backing.ts'
import { removeContainers } from './backing/docker.ts'
import { keycloakAdmin } from './backing/keycloak-admin.ts'
import { provisionAndMigrate } from './backing/provision.ts'
import { prepareRealm } from './backing/realm.ts'
import { consistencyChecks } from './backup/consistency.ts'
import { type Installation, installationElsewhere, isElsewhere, localInstallation } from './backup/installation.ts'
import { loadAll } from './backup/load.ts'
import { withSessions } from './backup/sessions.ts'
import { runChecks } from './checks/run-checks.ts'
import { stopLeftovers } from './processes/child.ts'
import { fail } from './processes/fail.ts'
import { releaseLauncherLock, takeLauncherLock } from './processes/launcher-lock.ts'
import { say } from './processes/progress.ts'
import { settings } from './profile/settings.ts'

const usage = 'usage: npm run restore -- --from <folder of a backup> [--overwrite]'

const { values } = (() => {
  try {
    return parseArgs({ options: { from: { type: 'string' }, overwrite: { type: 'boolean', default: false } } })
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
})()
const folder = resolve(values.from ?? fail(usage))
const told = (text: string) => say('restore', text)
const adminUser = process.env.CLIENTELE_KEYCLOAK_ADMIN_USER ?? keycloakAdminUser

const load = (installation: Installation, url: string, password: string): Promise<void> =>
  loadAll(installation, folder, {
    overwrite: values.overwrite,
    say: told,
    keycloakAdmin: () => keycloakAdmin(url, adminUser, password),
  })

/** @returns how many checks failed */
const check = (installation: Installation): Promise<number> =>
  withSessions(installation.databases, (sessions) =>
    runChecks(consistencyChecks(installation, sessions, { restored: true }), ({ fix }) => fix),
  )

const restoreElsewhere = async (): Promise<number> => {
  const installation = await installationElsewhere()
  const password = process.env.CLIENTELE_KEYCLOAK_ADMIN_PASSWORD ?? ''
  await load(installation, installation.keycloak.url ?? '', password)
  return check(installation)
}

/** Starts what the local profile stands on, without the services, for the time of the restore. */
const restoreHere = async (): Promise<number> => {
  const here = settings()
  const { home, ports, secrets, publicUrl, keycloakPublicUrl } = here
  const holder = takeLauncherLock(home, publicUrl)
  if (holder) return fail(`Clientele runs (process ${holder.pid}): stop it with Ctrl-C, then restore`)
  try {
    await stopLeftovers(home)
    await removeContainers(home, { volumes: false })
    const choices = await chooseAll(say, home)
    const options = { home, ports, secrets, durable: true, publicUrl, keycloakPublicUrl, say }
    const backing = startBacking(options, choices)
    try {
      const [postgres, rabbitmq, keycloak] = await Promise.all([backing.postgres, backing.rabbitmq, backing.keycloak])
      await provisionAndMigrate({ postgresUrl: postgres.url, secrets })
      const broker = rabbitmq.managementUrl ?? process.env.RABBITMQ_MANAGEMENT_URL
      const installation = await localInstallation(here, postgres.url, broker)
      await load(installation, keycloak.url, secrets.keycloakAdmin)
      // Addresses and secrets are those of this folder, and invented customers have no place among real ones.
      const admin = await keycloakAdmin(keycloak.url, adminUser, secrets.keycloakAdmin)
      await prepareRealm(admin, realmEnvironment(options, choices.keycloak), { home, demo: false })
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
  const faults = await (isElsewhere() ? restoreElsewhere() : restoreHere())
  if (faults > 0) fail('the backup is restored, but see the faults above')
  told('done: start the services')
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
process.exit()
