import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { provisionDatabase } from '@clientele/platform/data/provision'
import { projectRoot } from '../processes/folders.ts'
import { secretOf } from '../profile/secrets.ts'
import {
  databaseName,
  databaseOwner,
  ownerDatabaseUrl,
  type ServiceEnvironment,
  type ServiceRow,
  services,
} from '../profile/services.ts'

const run = promisify(execFile)

type DatabaseAccess = Pick<ServiceEnvironment, 'postgresUrl' | 'secrets'>

/** Creates the roles and schemas that are missing, and applies all migrations. @returns a line for each service */
export const provisionAndMigrate = async (database: DatabaseAccess, signal?: AbortSignal): Promise<string[]> => {
  const owner = { role: databaseOwner, password: database.secrets.databaseOwner }
  // A server that an operator named may have other users.
  const isOwnServer = !process.env.CLIENTELE_POSTGRES_URL
  for (const { schema } of services) {
    if (!schema) continue
    const { name, role, secret, extensions } = schema
    const password = secretOf(database.secrets, secret)
    await provisionDatabase(
      database.postgresUrl,
      { database: databaseName, schema: name, role, password, owner, extensions },
      { isOwnServer },
    )
  }
  return Promise.all(services.filter(({ schema }) => schema).map((row) => migrate(row, database, signal)))
}

const migrate = async (row: ServiceRow, database: DatabaseAccess, signal?: AbortSignal): Promise<string> => {
  signal?.throwIfAborted()
  const env = { ...process.env, DATABASE_URL: ownerDatabaseUrl(database) }
  const script = join(row.name, 'src', 'migrate.ts')
  try {
    const { stdout } = await run(process.execPath, [script], { cwd: projectRoot, env, timeout: 300_000, signal })
    return `${row.name}: ${stdout.trim()}`
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    throw new Error(`the migrations of ${row.name} failed: ${stderr?.trim() || String(error)}`)
  }
}
