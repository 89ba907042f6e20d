import { createVerifier, type Verifier } from '../auth/token-verifier.ts'
import { loadConfig, type ServiceConfig, serviceConfig } from '../runtime/config.ts'
import { createLog, type Log } from '../runtime/log.ts'
import { testEnv } from './database.ts'

/** The realm that tests use. */
export const testRealm = 'clientele'

/** A service's configuration for tests: real parts, free ports, no pause at shutdown. */
export const testConfig = (overrides: Partial<ServiceConfig> = {}): ServiceConfig & { checkResponses: true } => ({
  ...loadConfig(serviceConfig, {
    PROFILE: 'local',
    HOST: '127.0.0.1',
    PORT: '0',
    INTERNAL_HOST: '127.0.0.1',
    INTERNAL_PORT: '0',
    LOG_LEVEL: 'silent',
    RABBITMQ_URL: testEnv('TEST_RABBITMQ_URL'),
    KEYCLOAK_URL: testEnv('TEST_KEYCLOAK_URL'),
    KEYCLOAK_ISSUER: `${testEnv('TEST_KEYCLOAK_URL')}/realms/${testRealm}`,
    SHUTDOWN_PAUSE_MS: '0',
    SHUTDOWN_MS: '5000',
  }),
  checkResponses: true,
  ...overrides,
})

/** A verifier for the test realm. */
export const testVerifier = (config: ServiceConfig): Verifier => createVerifier(config)

/** A logger that writes nothing, or what `TEST_LOG` asks for. */
export const testLog = (): Log => createLog({ name: 'test', level: process.env['TEST_LOG'] ?? 'silent' })
