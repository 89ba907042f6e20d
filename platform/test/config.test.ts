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

describe('loadConfig (S1-35, S1-39, S1-40, S3-07)', () => {
  it('reads upper snake case, applies defaults and takes an empty variable as absent', () => {
    expect(loadConfig(shape, { ...env, PORT: '', CORS_ORIGINS: 'http://a, http://b', DOCS_ENABLED: 'false' })).toEqual({
      databaseUrl: env.DATABASE_URL,
      port: 8000,
      corsOrigins: ['http://a', 'http://b'],
      docsEnabled: false,
      mediaServiceUrl: 'http://media:80',
    })
  })

  it('lists every fault at once and no value', () => {
    const load = () => loadConfig(shape, { DATABASE_URL: 'mysql://u:geheim@h', PORT: '99999', DOCS_ENABLED: 'ja' })
    expect(load).toThrow(ConfigError)
    expect(load).toThrow(/DATABASE_URL.*PORT.*DOCS_ENABLED.*MEDIA_SERVICE_URL is missing/)
    expect(load).not.toThrow(/geheim/)
  })

  it('refuses published secrets in production, all at once, and takes them in the local profile', () => {
    const secrets = { profile: serviceConfig.profile, databaseUrl: databaseConfig.databaseUrl, signingKey: z.string() }
    const known = { DATABASE_URL: 'postgres://u:local-only-users@h/d', SIGNING_KEY: 'local-only-key' }
    for (const profile of [{}, { PROFILE: 'production' }])
      expect(() => loadConfig(secrets, { ...known, ...profile })).toThrow(/DATABASE_URL has.*SIGNING_KEY has/)
    expect(loadConfig(secrets, { ...known, PROFILE: 'local' })).toMatchObject({ signingKey: 'local-only-key' })
    expect(loadConfig(secrets, { DATABASE_URL: 'postgres://u:p@h/d', SIGNING_KEY: 'own' }).signingKey).toBe('own')
  })
})
