import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { postgresAddress } from './backing/running-database.ts'
import { installationElsewhere, isElsewhere, localInstallation } from './backup/installation.ts'
import { saveAll } from './backup/save.ts'
import { fail } from './processes/fail.ts'
import { say } from './processes/progress.ts'
import { settings } from './profile/settings.ts'

const usage = 'usage: npm run backup -- --to <an empty folder>'

const { values } = (() => {
  try {
    return parseArgs({ options: { to: { type: 'string' } } })
  } catch (error) {
    return fail(`${error instanceof Error ? error.message : String(error)}\n${usage}`)
  }
})()
const folder = resolve(values.to ?? fail(usage))

const opened = async () => {
  if (isElsewhere()) return { installation: await installationElsewhere(), stop: async () => undefined }
  const place = await postgresAddress()
  return { installation: await localInstallation(settings(), place.postgresUrl), stop: place.stop }
}

try {
  const { installation, stop } = await opened()
  try {
    const { schemas, media, keycloak, snapshots } = await saveAll(installation, folder, (text) => say('backup', text))
    const tables = Object.values(schemas).flatMap((schema) => schema.tables)
    const rows = tables.reduce((sum, table) => sum + table.rows, 0)
    say('backup', `${rows} rows of ${tables.length} tables, ${media.objects} photos, Keycloak ${keycloak.version}`)
    if (snapshots > 1)
      say(
        'backup',
        'the services have several databases: they were not read at one moment, a restore mends what differs',
      )
    if (media.missing.length > 0)
      throw new Error(`complete but for photos that rows name and the store has not: ${media.missing.join(', ')}`)
    say('backup', `complete: ${folder}`)
  } finally {
    await stop()
  }
} catch (error) {
  fail(error instanceof Error ? error.message : String(error))
}
