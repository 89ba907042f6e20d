import { httpUrl, loadConfig, serviceConfig } from '@clientele/platform/config'
import { homeFolder } from './folders.ts'
import { keycloakAdmin } from './keycloak-admin.ts'
import { prepareRealm } from './realm.ts'

const { profile, keycloakUrl } = loadConfig({ profile: serviceConfig.profile, keycloakUrl: httpUrl })
const { CLIENTELE_KEYCLOAK_ADMIN_USER: user = 'admin', CLIENTELE_KEYCLOAK_ADMIN_PASSWORD: password = '' } = process.env
const admin = await keycloakAdmin(keycloakUrl, user, password)
const values = Object.entries(process.env).flatMap(([name, value]) => (value ? [[name, value] as const] : []))
await prepareRealm(admin, Object.fromEntries(values), { home: homeFolder(), demo: profile === 'local' })
console.log('the realm is as the settings want it')
