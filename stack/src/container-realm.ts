import { httpUrl, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { keycloakAdminUser } from './backing.ts'
import { runOnce } from './container-once.ts'
import { homeFolder } from './folders.ts'
import { keycloakAdmin } from './keycloak-admin.ts'
import { prepareRealm } from './realm.ts'

await runOnce(async () => {
  const { profile, keycloakUrl } = loadConfig({ profile: serviceConfig.profile, keycloakUrl: httpUrl })
  const user = process.env.CLIENTELE_KEYCLOAK_ADMIN_USER ?? keycloakAdminUser
  const admin = await keycloakAdmin(keycloakUrl, user, process.env.CLIENTELE_KEYCLOAK_ADMIN_PASSWORD ?? '')
  // An empty variable counts as absent, as everywhere.
  const values = Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value] as const] : []))
  await prepareRealm(admin, Object.fromEntries(values), { home: homeFolder(), demo: profile === 'local' })
  return ['the realm is as the settings want it']
})
