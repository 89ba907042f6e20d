import { httpUrl, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { keycloakAdminUser } from './backing/backing.ts'
import { keycloakAdmin } from './backing/keycloak-admin.ts'
import { prepareRealm } from './backing/realm.ts'
import { homeFolder } from './processes/folders.ts'
import { runOnce } from './processes/run-once.ts'

await runOnce(async () => {
  const { profile, keycloakUrl } = loadConfig({ profile: serviceConfig.profile, keycloakUrl: httpUrl })
  const user = process.env.CLIENTELE_KEYCLOAK_ADMIN_USER ?? keycloakAdminUser
  const admin = await keycloakAdmin(keycloakUrl, user, process.env.CLIENTELE_KEYCLOAK_ADMIN_PASSWORD ?? '')
  // An empty variable counts as absent, as everywhere.
  const values = Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value] as const] : []))
  await prepareRealm(admin, Object.fromEntries(values), { home: homeFolder(), demo: profile === 'local' })
  return ['the realm is as the settings want it']
})
