import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { realmEnvironment } from '@clientele/stack/backing/backing-services'
import { startKeycloak } from '@clientele/stack/backing/keycloak'
import { signInAsKeycloakAdmin } from '@clientele/stack/backing/keycloak-admin'
import type { ServiceHandle } from '@clientele/stack/backing/postgres'
import { createDemoAccounts } from '@clientele/stack/backing/realm'
import { secretsOf } from '@clientele/stack/profile/secrets'
import { freeProductPorts } from '../start.process.ts'

const minutes = 60_000

describe('A restart of Keycloak', () => {
  const home = mkdtempSync(join(tmpdir(), 'clientele-restart-'))
  let keycloak: ServiceHandle | undefined
  let start: () => Promise<ServiceHandle>
  let token: (fields: Record<string, string>) => Promise<Response>

  beforeAll(async () => {
    const ports = await freeProductPorts()
    const secrets = secretsOf(home)
    const publicUrl = `http://localhost:${ports.KEYCLOAK_PORT}`
    const realmEnv = realmEnvironment({ ports, secrets, publicUrl: 'http://localhost:8000' }, { kind: 'local' })
    start = () =>
      startKeycloak({
        home,
        port: ports.KEYCLOAK_PORT,
        managementPort: ports.KEYCLOAK_MANAGEMENT_PORT,
        publicUrl,
        adminUser: 'admin',
        adminPassword: secrets.keycloakAdmin,
        realmEnv,
      })
    const client = { client_id: 'clientele-login', client_secret: secrets.login }
    token = (fields) =>
      fetch(`${publicUrl}/realms/clientele/protocol/openid-connect/token`, {
        method: 'POST',
        body: new URLSearchParams({ ...client, ...fields }),
      })
    keycloak = await start()
    await createDemoAccounts(await signInAsKeycloakAdmin(publicUrl, 'admin', secrets.keycloakAdmin))
  }, 4 * minutes)

  afterAll(async () => {
    await keycloak?.stop()
    rmSync(home, { recursive: true, force: true })
  }, minutes)

  it(
    'refresh tokens that were issued before a restart of Keycloak work after it',
    async () => {
      const signIn = await token({ grant_type: 'password', username: 'user', password: '12345' })
      const { refresh_token: before } = (await signIn.json()) as { refresh_token: string }
      await keycloak?.stop()
      keycloak = undefined
      keycloak = await start()
      const refreshed = await token({ grant_type: 'refresh_token', refresh_token: before })
      expect(refreshed.status).toBe(200)
      // Keycloak still detects that a refresh token is used twice.
      expect((await token({ grant_type: 'refresh_token', refresh_token: before })).status).toBe(400)
    },
    3 * minutes,
  )
})
