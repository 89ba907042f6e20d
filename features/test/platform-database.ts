import type { DatabaseConfig } from '@clientele/platform/data/database-config'
import { connectDb, type Db } from '@clientele/platform/data/db'
import { type TestDatabase, testDatabase } from '@clientele/platform/testing/database'

/** The schema of the tests, with the tables of the platform only. */
const schema = 'platform_test'

/** A database with that schema, and a connection pool. `end` closes and drops it. */
export type PlatformDatabase = TestDatabase & { db: Db; end(): Promise<void> }

export const startDatabase = async (settings: Partial<DatabaseConfig> = {}): Promise<PlatformDatabase> => {
  const migrations = new URL('../../platform/test/migrations/', import.meta.url)
  const database = await testDatabase({ schema, migrations })
  const db = await connectDb({ ...database.config, ...settings }, schema)
  const end = async () => {
    await db.close()
    await database.drop()
  }
  return { ...database, db, end }
}
