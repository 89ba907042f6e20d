import { type RevocationConfig, revocationConfig } from '../auth/revocation-config.ts'
import { createTokenVerifier, type TokenVerifier } from '../auth/token-verifier.ts'
import { loadConfig, type ServiceConfig, serviceConfig } from '../runtime/config.ts'
import { createLog, type Log } from '../runtime/log.ts'
import { testEnv } from './database.ts'

/** The Keycloak realm of the tests. */
export const testRealm = 'clientele'

/** Creates a service configuration for tests: real backing services, free ports, no pause on shutdown. */
export const testConfig = (
  overrides: Partial<ServiceConfig> = {},
): ServiceConfig & RevocationConfig & { checkResponses: true } => ({
  ...loadConfig(
    { ...serviceConfig, ...revocationConfig },
    {
      PROFILE: 'local',
      HOST: '127.0.0.1',
      PORT: '0',
      INTERNAL_HOST: '127.0.0.1',
      INTERNAL_PORT: '0',
      LOG_LEVEL: 'silent',
      RABBITMQ_URL: testEnv('TEST_RABBITMQ_URL'),
      KEYCLOAK_URL: testEnv('TEST_KEYCLOAK_URL'),
      KEYCLOAK_ISSUER: `${testEnv('TEST_KEYCLOAK_URL')}/realms/${testRealm}`,
      // Only services that are given their verifier read from there.
      USER_SERVICE_INTERNAL_URL: 'http://127.0.0.1:1',
      SHUTDOWN_PAUSE_MS: '0',
      SHUTDOWN_MS: '5000',
    },
  ),
  checkResponses: true,
  ...overrides,
})

/** Creates a token verifier for the test realm, without revocations: no user-service runs beside a single service. */
export const testVerifier = (config: Parameters<typeof createTokenVerifier>[0]): TokenVerifier => {
  const verifier = createTokenVerifier(config)
  verifier.revocations.markLoaded()
  return verifier
}

/** Creates a logger with the level in `TEST_LOG`; silent by default. */
export const testLog = (): Log => createLog({ name: 'test', level: process.env['TEST_LOG'] ?? 'silent' })
