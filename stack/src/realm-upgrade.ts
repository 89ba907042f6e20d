import { allowFrontEnds, frontEndOriginsOf } from './backing/front-ends.ts'
import { adminUserFrom, signInAsKeycloakAdmin } from './backing/keycloak-admin.ts'
import { fillRealm } from './backing/realm.ts'
import { upgradeRealm } from './backing/realm-upgrade.ts'
import { fail } from './processes/fail.ts'
import { realmName } from './profile/services.ts'
import { loadSettings } from './profile/settings.ts'

// `npm run realm-upgrade` brings the realm of an installation to the settings of this release. `npm start` and Compose do it by
// themselves. CLIENTELE_KEYCLOAK_URL is the address of Keycloak, CLIENTELE_KEYCLOAK_ADMIN_PASSWORD its administrator's password.
// FRONT_END_ORIGINS are the front ends on other origins; without it, they stay as they are.
const { keycloakUrl, secrets } = loadSettings()
try {
  const admin = await signInAsKeycloakAdmin(keycloakUrl, adminUserFrom(process.env), secrets.keycloakAdmin)
  const changes = await upgradeRealm(admin, realmName, fillRealm(realmName, {}))
  const { FRONT_END_ORIGINS: frontEnds } = process.env
  if (frontEnds !== undefined) changes.push(...(await allowFrontEnds(admin, realmName, frontEndOriginsOf(frontEnds))))
  for (const change of changes) console.log(change)
  if (changes.some((change) => change.startsWith('NOT CHANGED')))
    fail('the realm is not up to date: mend what Keycloak refused, and run this command again')
  console.log('the realm is up to date')
} catch (error) {
  fail(error)
}
