import { loadConfig } from '@clientele/platform/runtime/config'
import { client } from '@clientele/platform/testing/client'
import { signedInAs } from '@clientele/platform/testing/tokens'
import { type CustomerConfig, configShape } from '../src/config.ts'
import { aCustomer, type Running, startCustomers } from './start.ts'

let service: Running
beforeAll(async () => {
  service = await startCustomers()
})
afterAll(() => service?.stop())

const withConfig = async (
  overrides: Partial<CustomerConfig>,
  check: (user: ReturnType<typeof client>) => Promise<void>,
) => {
  const { url, stop } = await service.startReplica(overrides)
  try {
    await check(client(url, (await signedInAs('user')).token))
  } finally {
    await stop()
  }
}

describe('CUSTOMER_REQUIRED_FIELDS', () => {
  it('CUSTOMER_REQUIRED_FIELDS=name,phone,email makes these fields required and the surname optional', () =>
    withConfig({ customerRequiredFields: ['name', 'phone', 'email'] }, async (user) => {
      const missing = await user.post('/v1/customers', { surname: 'Lovelace' })
      expect(missing.status).toBe(422)
      expect(missing.body.errors).toEqual(
        ['/name', '/email', '/phone'].map((pointer) => expect.objectContaining({ pointer, code: 'required' })),
      )
      const { status, body } = await user.post('/v1/customers', {
        name: 'Ana',
        phone: '+254711000111',
        email: aCustomer().email,
      })
      expect(status).toBe(201)
      expect(body.surname).toBeNull()
      expect((await user.patch(`/v1/customers/${body.id}`, { phone: null, email: null })).body.errors).toHaveLength(2)
      expect((await user.patch(`/v1/customers/${body.id}`, { locale: 'sw' })).status).toBe(200)
      expect((await user.get('/v1/customers?sort=surname')).body.data).toContainEqual(
        expect.objectContaining({ id: body.id }),
      )
    }))

  it('the configuration is refused with an unknown required field, an unknown country or a short signing key', () => {
    const load = (env: Record<string, string>) => () => loadConfig(configShape, env)
    expect(load({ CUSTOMER_REQUIRED_FIELDS: 'name,shoeSize' })).toThrow(/CUSTOMER_REQUIRED_FIELDS/)
    expect(load({ DEFAULT_COUNTRY: 'Kenya' })).toThrow(/DEFAULT_COUNTRY/)
    expect(load({ MEDIA_SIGNING_KEY: 'short' })).toThrow(/MEDIA_SIGNING_KEY.*32/)
  })
})

describe('Telephone numbers', () => {
  it('a telephone number needs a country code if DEFAULT_COUNTRY is not set', async () => {
    const { status, body } = await service.user.post('/v1/customers', aCustomer({ phone: '0711 000 111' }))
    expect(status).toBe(422)
    expect(body.errors).toEqual([expect.objectContaining({ pointer: '/phone' })])
  })

  it.each(['0711 000 116', '+254 711-000-116', '254711000116'])(
    'the telephone number %s is stored and found in E.164 with DEFAULT_COUNTRY=KE',
    (phone) =>
      withConfig({ defaultCountry: 'KE' }, async (user) => {
        const { body } = await user.post('/v1/customers', aCustomer({ phone }))
        expect(body.phone).toBe('+254711000116')
        for (const query of ['0711000116', '%2B254711000116', '+254711000116']) {
          const found = await user.get(`/v1/customers?phone=${query}`)
          expect(found.body.data).toContainEqual(expect.objectContaining({ id: body.id }))
        }
      }),
  )

  it.each(['12', '+1', '+999 123 456 789', 'call me', '+254 711 000 111 222 333'])(
    'POST returns 422 for the telephone number %s',
    async (phone) => {
      expect((await service.user.post('/v1/customers', aCustomer({ phone }))).status).toBe(422)
    },
  )
})
