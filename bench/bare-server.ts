import { testDatabase, testEnv } from '@clientele/platform/testing/database'
import { testRealm } from '@clientele/platform/testing/service'
import { freePorts } from '@clientele/stack/profile/ports'
import { seedCustomers } from './benchmarks/customers-seed.ts'
import { startPeerProcess } from './peer-process.ts'

/** Starts `peers/bare-customers.ts` with `rows` customers. It publishes its events to `broker`, if there is one. */
export const startBareServer = async ({ rows, broker }: { rows: number; broker?: string }) => {
  const migrations = new URL('../customer-service/migrations/', import.meta.url)
  const database = await testDatabase({ schema: 'customers', migrations })
  try {
    await seedCustomers(database.url, rows)
    const issuer = `${testEnv('TEST_KEYCLOAK_URL')}/realms/${testRealm}`
    const [port = 0] = await freePorts(1)
    const config = { database: database.url, broker, issuer, audience: 'clientele-api', port }
    const { pid, stop } = await startPeerProcess('bare-customers', config)
    const close = async () => {
      await stop()
      await database.drop()
    }
    return { url: `http://127.0.0.1:${port}`, pid, close }
  } catch (error) {
    await database.drop()
    throw error
  }
}
