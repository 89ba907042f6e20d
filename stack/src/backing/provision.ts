import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { provisionDatabase } from '@clientele/platform/data/provision'
import { projectRoot } from '../processes/folders.ts'
import { secretOf } from '../profile/secrets.ts'
import { databaseName, databaseUrl, type ServiceEnvironment, type ServiceRow, services } from '../profile/services.ts'

const run = promisify(execFile)

type Place = Pick<ServiceEnvironment, 'postgresUrl' | 'secrets'>

/** Makes the roles and schemas that are missing, and brings every schema up to date. Returns a line for each service. */
export const provisionAndMigrate = async (place: Place, signal?: AbortSignal): Promise<string[]> => {
  for (const { schema } of services) {
    if (!schema) continue
    const { name, role, secret, extensions } = schema
    await provisionDatabase(place.postgresUrl, {
      database: databaseName,
      schema: name,
      role,
      password: secretOf(place.secrets, secret),
      extensions,
    })
  }
  return Promise.all(services.filter(({ schema }) => schema).map((row) => migrate(row, place, signal)))
}

const migrate = async (row: ServiceRow, place: Place, signal?: AbortSignal): Promise<string> => {
  signal?.throwIfAborted()
  const env = { ...process.env, DATABASE_URL: databaseUrl(row, place) }
  const script = join(row.name, 'src', 'migrate.ts')
  try {
    const { stdout } = await run(process.execPath, [script], { cwd: projectRoot, env, timeout: 300_000, signal })
    return `${row.name}: ${stdout.trim()}`
  } catch (error) {
    const { stderr } = error as { stderr?: string }
    throw new Error(`migrations of ${row.name} failed: ${stderr?.trim() || String(error)}`)
  }
}
