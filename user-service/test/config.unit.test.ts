import { loadConfig } from '@clientele/platform/runtime/config'
import { checkConfig, configShape, signUpRoleOf } from '../src/config.ts'

describe('The role of users who sign up', () => {
  it('only the local profile gives a role by default', () => {
    expect(signUpRoleOf({ profile: 'production' })).toBe('none')
    expect(signUpRoleOf({ profile: 'local' })).toBe('user')
    expect(signUpRoleOf({ profile: 'production', signupDefaultRole: 'user' })).toBe('user')
    expect(signUpRoleOf({ profile: 'local', signupDefaultRole: 'none' })).toBe('none')
  })

  it('production refuses open sign-up with a role, and allows it without one', () => {
    const env = {
      DATABASE_URL: 'postgres://localhost/clientele',
      RABBITMQ_URL: 'amqp://localhost',
      KEYCLOAK_URL: 'http://localhost',
      KEYCLOAK_ISSUER: 'https://id.example.com/realms/clientele',
      KEYCLOAK_CLIENT_SECRET: 'a secret of ours',
      LOGIN_CLIENT_SECRET: 'a secret of ours',
      PUBLIC_URL: 'https://crm.example.com',
      SIGNUP_ENABLED: 'true',
    }
    const load = (more: NodeJS.Dict<string>) => () => checkConfig(loadConfig(configShape, { ...env, ...more }))
    expect(load({ SIGNUP_DEFAULT_ROLE: 'user' })).toThrow('SIGNUP_ENABLED with SIGNUP_DEFAULT_ROLE=user')
    for (const more of [{}, { SIGNUP_DEFAULT_ROLE: 'none' }, { SIGNUP_DEFAULT_ROLE: 'user', PROFILE: 'local' }])
      expect(load(more)).not.toThrow()
    expect(load({ SIGNUP_ENABLED: 'false', SIGNUP_DEFAULT_ROLE: 'user' })).not.toThrow()
  })
})
