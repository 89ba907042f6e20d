import { databaseConfig } from '@clientele/platform/data/database-config'
import {
  ConfigError,
  commaList,
  flag,
  httpUrl,
  integer,
  loadConfig,
  serviceConfig,
} from '@clientele/platform/runtime/config'
import { z } from 'zod'

const shape = {
  databaseUrl: z.url({ protocol: /^postgres$/ }),
  port: integer(0, 65_535).default(8000),
  corsOrigins: commaList.default([]),
  docsEnabled: flag.default(true),
  mediaServiceUrl: httpUrl,
}
const env = { DATABASE_URL: 'postgres://u:geheim@h/d', MEDIA_SERVICE_URL: 'http://media:80/' }

describe('loadConfig', () => {
  it('loadConfig reads variables in upper snake case, applies defaults and ignores empty variables', () => {
    expect(loadConfig(shape, { ...env, PORT: '', CORS_ORIGINS: 'http://a, http://b', DOCS_ENABLED: 'false' })).toEqual({
      databaseUrl: env.DATABASE_URL,
      port: 8000,
      corsOrigins: ['http://a', 'http://b'],
      docsEnabled: false,
      mediaServiceUrl: 'http://media:80',
    })
  })

  it('ConfigError lists every invalid variable and no value', () => {
    const load = () => loadConfig(shape, { DATABASE_URL: 'mysql://u:geheim@h', PORT: '99999', DOCS_ENABLED: 'ja' })
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(/DATABASE_URL.*PORT.*DOCS_ENABLED.*MEDIA_SERVICE_URL is missing/)
    expect(load).not.toThrow(/geheim/)
  })

  it('loadConfig refuses all published secrets in production and accepts them in the local profile', () => {
    const secrets = { profile: serviceConfig.profile, databaseUrl: databaseConfig.databaseUrl, signingKey: z.string() }
    const published = { DATABASE_URL: 'postgres://u:local-only-users@h/d', SIGNING_KEY: 'local-only-key' }
    for (const profile of [{}, { PROFILE: 'production' }])
      expect(() => loadConfig(secrets, { ...published, ...profile })).toThrow(/DATABASE_URL has.*SIGNING_KEY has/)
    expect(loadConfig(secrets, { ...published, PROFILE: 'local' })).toMatchObject({ signingKey: 'local-only-key' })
    expect(loadConfig(secrets, { DATABASE_URL: 'postgres://u:p@h/d', SIGNING_KEY: 'own' }).signingKey).toBe('own')
  })

  it('loadConfig refuses plain http and amqp in production, but for private hosts that are not public addresses', () => {
    const { profile, keycloakUrl, keycloakIssuer, rabbitmqUrl } = serviceConfig
    const addresses = { profile, keycloakUrl, keycloakIssuer, rabbitmqUrl, publicUrl: httpUrl }
    const secure = {
      PUBLIC_URL: 'https://crm.example.com',
      KEYCLOAK_ISSUER: 'https://id.example.com/realms/clientele',
      KEYCLOAK_URL: 'http://keycloak:8080',
      RABBITMQ_URL: 'amqp://rabbitmq.shop.svc:5672',
    }
    expect(loadConfig(addresses, secure)).toMatchObject({ publicUrl: 'https://crm.example.com' })
    for (const [name, value] of [
      ['PUBLIC_URL', 'http://localhost:8000'],
      ['KEYCLOAK_ISSUER', 'http://10.0.0.1/realms/clientele'],
      ['KEYCLOAK_URL', 'http://id.example.com'],
      ['RABBITMQ_URL', 'amqp://mq.example.com:5672'],
      ['RABBITMQ_URL', 'amqp://203.0.113.7:5672'],
    ] as const) {
      expect(() => loadConfig(addresses, { ...secure, [name]: value })).toThrow(`${name} needs TLS`)
      expect(loadConfig(addresses, { ...secure, [name]: value, PROFILE: 'local' })).toMatchObject({ profile: 'local' })
    }
  })
})
