import { createTokenVerifier } from '@clientele/platform/auth/token-verifier'
import { connectDb } from '@clientele/platform/data/db'
import { createLog } from '@clientele/platform/runtime/log'
import { runService } from '@clientele/platform/service/service'
import { createApp, service } from './app.ts'
import { publicSettings, config as readConfig } from './config.ts'
import { migrations } from './migrations.ts'
import { createStore } from './storage/create-store.ts'

await runService(async () => {
  const config = readConfig()
  const { service: name } = service
  const log = createLog({ name, level: config.logLevel })
  const store = await createStore(config)
  await store.ping()
  const db = await connectDb(config, 'media')
  const verifier = createTokenVerifier(config)
  const parts = createApp({ config, db, verifier, log, store })
  const ready = { ...parts.ready, keycloak: verifier.ready }
  return { ...parts, name, config, db, log, migrations, verifier, ready, settings: publicSettings(config) }
})
