import { resolve } from 'node:path'
import { openInstallation } from './backup/open-installation.ts'
import { saveBackup } from './backup/save.ts'
import { parseArguments } from './processes/arguments.ts'
import { fail } from './processes/fail.ts'
import { logProgress } from './processes/progress.ts'

const usage = `usage: npm run backup -- --to <folder>
Saves the rows of all services, photos and Keycloak. The services can keep running.

  --to FOLDER   an empty or new folder for the backup`

const { values } = parseArguments({ options: { to: { type: 'string' } } }, usage)
const folder = resolve(values.to ?? fail(usage))

try {
  const { installation, stop } = await openInstallation()
  try {
    const { schemas, media, keycloak, snapshots } = await saveBackup(installation, folder, (text) =>
      logProgress('backup', text),
    )
    const tables = Object.values(schemas).flatMap((schema) => schema.tables)
    const rows = tables.reduce((sum, table) => sum + table.rows, 0)
    logProgress(
      'backup',
      `saved ${rows} rows of ${tables.length} tables, ${media.objects} photos and Keycloak ${keycloak.version}`,
    )
    if (snapshots > 1)
      logProgress(
        'backup',
        'the services use several databases, which were not read at the same moment; a restore repairs differences',
      )
    if (media.missing.length > 0)
      throw new Error(
        `the backup is complete, except for photos that are missing in the store: ${media.missing.join(', ')}`,
      )
    logProgress('backup', `complete: ${folder}`)
  } finally {
    await stop()
  }
} catch (error) {
  fail(error)
}
