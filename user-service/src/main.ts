import { createTokenVerifier } from '@clientele/platform/auth/token-verifier'
import { connectDb } from '@clientele/platform/data/db'
import { assertMigrated } from '@clientele/platform/data/migrate'
import { createLog } from '@clientele/platform/runtime/log'
import { runService } from '@clientele/platform/service/service'
import { createApp } from './app.ts'
import { publicSettings, config as readConfig } from './config.ts'
import { service as name } from './contract.ts'
import { refuseDefaultPasswords } from './default-password.ts'
import { migrations } from './migrations.ts'

await runService(async () => {
  const config = readConfig()
  const log = createLog({ name, level: config.logLevel })
  const db = await connectDb(config, 'users')
  await assertMigrated(db, migrations)
  const verifier = createTokenVerifier(config)
  const { app, internal, tasks, oidc, readRevocations } = createApp({ config, db, log, verifier })
  await refuseDefaultPasswords({ db, oidc, log, profile: config.profile })
  const ready = { keycloak: verifier.ready }
  const settings = publicSettings(config)
  return { name, config, log, db, migrations, app, internal, tasks, verifier, readRevocations, ready, settings }
})
