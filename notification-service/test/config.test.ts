import { loadConfig } from '@clientele/platform/runtime/config'
import { checkConfig, configShape } from '../src/config.ts'

const base = {
  RABBITMQ_URL: 'amqp://localhost',
  KEYCLOAK_URL: 'http://localhost',
  KEYCLOAK_ISSUER: 'http://localhost/realms/clientele',
  DATABASE_URL: 'postgres://localhost/clientele',
}
const load = (env: Record<string, string>) => checkConfig(loadConfig(configShape, { ...base, ...env }))

describe('the configuration', () => {
  it('needs nothing of its own where texts only go to the log', () => {
    expect(load({})).toMatchObject({ smsProvider: 'log', shopLocale: 'en' })
  })

  it('names all that a provider lacks', () => {
    expect(() => load({ SMS_PROVIDER: 'africastalking', SMTP_URL: 'smtp://mail' })).toThrow(
      'configuration: AFRICASTALKING_USERNAME is missing; AFRICASTALKING_API_KEY is missing; MAIL_FROM is missing: SMTP_URL needs it',
    )
  })

  it.each([
    ['CALLBACK_SECRET', 'short'],
    ['CALLBACK_SECRET', 'a/secret/that/is/no/part/of/an/address'],
    ['MAIL_FROM', 'nobody'],
    ['SMTP_URL', 'http://mail'],
    ['SHOP_LOCALE', 'english'],
  ])('refuses %s=%s by its name', (name, value) => expect(() => load({ [name]: value })).toThrow(`${name}: `))
})
