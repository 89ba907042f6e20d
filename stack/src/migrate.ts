import { provisionAndMigrate } from './backing/provision.ts'
import { ensurePostgres } from './backing/running-database.ts'

const database = await ensurePostgres()
try {
  for (const line of await provisionAndMigrate(database)) console.log(line)
} finally {
  await database.stop()
}
