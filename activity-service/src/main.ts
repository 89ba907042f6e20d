import { createTokenVerifier } from '@clientele/platform/auth/token-verifier'
import { connectDb } from '@clientele/platform/data/db'
import { createLog } from '@clientele/platform/runtime/log'
import { runService } from '@clientele/platform/service/service'
import { createApp, service } from './app.ts'
import { config as readConfig } from './config.ts'
import { migrations } from './migrations.ts'

const name = service.service

await runService(async () => {
  const config = readConfig()
  const log = createLog({ name, level: config.logLevel })
  const db = await connectDb(config, 'activity')
  const verifier = createTokenVerifier(config)
  const { app, consumers, tasks } = createApp({ config, db, verifier, log })
  return { name, config, log, db, app, consumers, tasks, migrations, verifier, ready: { keycloak: verifier.ready } }
})
