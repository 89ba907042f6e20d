import { examples } from '@clientele/contracts/examples'
import { client } from '@clientele/platform/testing/client'
import { createSignedInUser, type SignedInUser } from '@clientele/platform/testing/tokens'
import { createPng } from '../png-image.ts'
import { type System, startSystem } from '../system.ts'

let system: System
let user: SignedInUser
beforeAll(async () => {
  system = await startSystem()
  user = await createSignedInUser(['user'])
}, 600_000)
afterAll(() => system?.close(), 60_000)

const api = () => client(system.gateway, user.token)
const example = (name: string) => examples[name] as Record<string, unknown>
const expectStatus = async (expected: number, response: ReturnType<ReturnType<typeof api>['post']>) => {
  const { status, body } = await response
  expect({ status, body }).toMatchObject({ status: expected })
  return body
}

describe('The examples of the document', () => {
  it('the examples of customers are accepted by the real service', async () => {
    const { id } = await expectStatus(201, api().post('/v1/customers', example('NewCustomer')))
    await expectStatus(200, api().patch(`/v1/customers/${id}`, example('CustomerPatch')))
    await expectStatus(200, api().put(`/v1/customers/${id}`, example('NewCustomer')))
    await expectStatus(409, api().post('/v1/customers', example('NewCustomer')))
    await expectStatus(200, api().post('/v1/customers/batch', example('CustomerBatch')))
    const { expect: _expect, ...bulkChange } = example('NewCustomerBulkChange')
    const { count } = await expectStatus(409, api().post('/v1/customers/bulk', example('NewCustomerBulkChange')))
    await expectStatus(202, api().post('/v1/customers/bulk', { ...bulkChange, expect: count }))
    const form = new FormData()
    for (const [name, value] of Object.entries(example('NewCustomerForm'))) form.set(name, String(value))
    form.set('photo', new Blob([createPng(64, 48)], { type: 'image/png' }), 'photo.png')
    const { photoMediaId } = await expectStatus(201, api().post('/v1/customers', form))
    await expectStatus(200, api().put(`/v1/customers/${id}/photo`, { mediaId: photoMediaId }))
  })

  it('the examples of products and orders are accepted by the real service', async () => {
    const { id } = await expectStatus(201, api().post('/v1/products', example('NewProduct')))
    await expectStatus(200, api().patch(`/v1/products/${id}`, example('ProductPatch')))
    await expectStatus(200, api().put(`/v1/products/${id}`, example('NewProduct')))
    await expectStatus(201, api().post(`/v1/products/${id}/stock-movements`, example('NewStockMovement')))
    const form = new FormData()
    for (const [name, value] of Object.entries(example('NewProductForm'))) form.set(name, String(value))
    await expectStatus(201, api().post('/v1/products', form))
    const order = await expectStatus(201, api().post('/v1/orders', example('NewOrder')))
    await expectStatus(200, api().patch(`/v1/orders/${order.id}`, example('OrderPatch')))
  })

  it('the examples of imports and exports are accepted by the real service', async () => {
    const { file, ...options } = example('ImportForm') as Record<string, string>
    const form = new FormData()
    for (const [name, value] of Object.entries(options)) form.set(name, value)
    form.set('file', new Blob([file ?? ''], { type: 'text/csv' }), 'customers.csv')
    await expectStatus(202, api().post('/v1/imports', form))
    await expectStatus(202, api().post('/v1/exports', example('NewCustomerExport')))
    await expectStatus(202, api().post('/v1/product-exports', example('NewProductExport')))
    await expectStatus(202, api().post('/v1/order-exports', example('NewOrderExport')))
  })

  it('the examples of webhooks are accepted by the real service', async () => {
    const admin = client(system.gateway, (await createSignedInUser(['admin'])).token)
    const { id } = await expectStatus(201, admin.post('/v1/webhooks', example('NewWebhook')))
    await expectStatus(200, admin.patch(`/v1/webhooks/${id}`, example('WebhookPatch')))
    const replay = { ...example('NewWebhookReplay'), since: new Date().toISOString(), until: undefined }
    await expectStatus(202, admin.post(`/v1/webhooks/${id}/replay`, replay))
    await expectStatus(204, admin.delete(`/v1/webhooks/${id}`))
  })

  it('the examples of the own profile and of sign-in are accepted by the real service', async () => {
    await expectStatus(200, api().patch('/v1/users/me', example('ProfilePatch')))
    await expectStatus(401, client(system.gateway).post('/v1/auth/login', example('Login')))
    await expectStatus(401, client(system.gateway).post('/v1/auth/refresh', example('RefreshToken')))
  })
})
