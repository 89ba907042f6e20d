import { loadConfig } from '@clientele/platform/runtime/config'
import { checkConfig, configShape } from '../src/config.ts'

const base = {
  RABBITMQ_URL: 'amqp://localhost',
  KEYCLOAK_URL: 'http://localhost',
  KEYCLOAK_ISSUER: 'https://id.example.com/realms/clientele',
  DATABASE_URL: 'postgres://localhost/clientele',
  USER_SERVICE_INTERNAL_URL: 'http://localhost:8101',
  CUSTOMER_SERVICE_URL: 'http://localhost:8002',
  CUSTOMER_SERVICE_INTERNAL_URL: 'http://localhost:8102',
}
const load = (env: Record<string, string>) => checkConfig(loadConfig(configShape, { ...base, ...env }))

describe('The configuration', () => {
  it('the log provider needs no settings', () => {
    expect(load({})).toMatchObject({ smsProvider: 'log', shopLocale: 'en' })
  })

  it('an error lists every missing setting of a provider', () => {
    expect(() => load({ SMS_PROVIDER: 'africastalking', SMTP_URL: 'smtp://mail' })).toThrow(
      'configuration: AFRICASTALKING_USERNAME is missing; AFRICASTALKING_API_KEY is missing; SMS_COUNTRIES is missing: set the countries of your customers, such as KE,UG, or * for every country; MAIL_FROM is missing: SMTP_URL needs it',
    )
  })

  it('text messages are caught in the local profile only', () => {
    const caught = { SMS_CATCHER_URL: 'http://127.0.0.1:8025' }
    expect(load({ ...caught, PROFILE: 'local' })).toMatchObject({ smsCatcherUrl: 'http://127.0.0.1:8025' })
    expect(() => load(caught)).toThrow('SMS_CATCHER_URL sends nothing and is only for PROFILE=local: remove it')
  })

  it.each([
    ['CALLBACK_SECRET', 'short'],
    ['CALLBACK_SECRET', 'a/secret/that/is/no/part/of/an/address'],
    ['MAIL_FROM', 'nobody'],
    ['SMTP_URL', 'http://mail'],
    ['SHOP_LOCALE', 'english'],
    ['SMS_COUNTRIES', 'KE,Kenya'],
    ['SMS_COUNTRIES', 'KE,*'],
    ['MAX_MESSAGES_PER_DAY', '0'],
  ])('%s=%s is refused with the name of the setting', (name, value) =>
    expect(() => load({ [name]: value })).toThrow(`${name}: `),
  )
})
