import { httpUrl, loadConfig, serviceConfig } from '@clientele/platform/runtime/config'
import { adminUserFrom, signInAsKeycloakAdmin } from './backing/keycloak-admin.ts'
import { prepareRealm } from './backing/realm.ts'
import { homeFolder } from './processes/folders.ts'
import { runOnce } from './processes/run-once.ts'

await runOnce(async () => {
  const { profile, keycloakUrl } = loadConfig({ profile: serviceConfig.profile, keycloakUrl: httpUrl })
  const user = adminUserFrom(process.env)
  const admin = await signInAsKeycloakAdmin(keycloakUrl, user, process.env.CLIENTELE_KEYCLOAK_ADMIN_PASSWORD ?? '')
  // An empty variable counts as not set.
  const values = Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value] as const] : []))
  const changes = await prepareRealm(admin, Object.fromEntries(values), {
    home: homeFolder(),
    demo: profile === 'local',
  })
  return [...changes, 'the realm is up to date']
})
