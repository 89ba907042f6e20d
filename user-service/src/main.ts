import { createVerifier } from '@clientele/platform/auth/token-verifier'
import { connectDb } from '@clientele/platform/data/db'
import { assertMigrated } from '@clientele/platform/data/migrate'
import { createLog } from '@clientele/platform/runtime/log'
import { runService } from '@clientele/platform/service/service'
import { createApp } from './app.ts'
import { config as readConfig } from './config.ts'
import { service as name } from './contract.ts'
import { refuseDefaultPasswords } from './default-password.ts'
import { migrations } from './migrations.ts'

await runService(async () => {
  const config = readConfig()
  const log = createLog({ name, level: config.logLevel })
  const db = await connectDb(config, 'users')
  await assertMigrated(db, migrations)
  const verifier = createVerifier(config)
  const { app, internal, tasks, oidc } = createApp({ config, db, log, verifier })
  await refuseDefaultPasswords({ db, oidc, log, profile: config.profile })
  return { name, config, log, db, migrations, app, internal, tasks, ready: { keycloak: verifier.ready } }
})
