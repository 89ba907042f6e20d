import { createTokenVerifier } from '@clientele/platform/auth/token-verifier'
import { connectDb } from '@clientele/platform/data/db'
import { createLog } from '@clientele/platform/runtime/log'
import { runService } from '@clientele/platform/service/service'
import { createApp, service } from './app.ts'
import { publicSettings, config as readConfig } from './config.ts'
import { migrations } from './migrations.ts'

const name = service.service

await runService(async () => {
  const config = readConfig()
  const log = createLog({ name, level: config.logLevel })
  const db = await connectDb(config, 'customers')
  const verifier = createTokenVerifier(config)
  const { close: _close, ...parts } = createApp({ config, db, verifier, log })
  const settings = publicSettings(config)
  return { ...parts, name, config, log, db, migrations, verifier, settings, ready: { keycloak: verifier.ready } }
})
