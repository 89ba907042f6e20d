import { type Clientele, ClienteleError, type Customer, createClient } from '../src/index.ts'
import { type StubApi, startStubApi } from './stub-api.ts'

let api: StubApi
let clientele: Clientele
beforeEach(async () => {
  api = await startStubApi([{ status: 200, body: { id: '1', data: [], page: { nextCursor: null } } }])
  clientele = createClient({ baseUrl: api.url })
})
afterEach(() => api.stop())

// `npm run check` compiles this file, and fails if a line below an expected error has none.
describe('The types of the client', () => {
  it('a parameter, field, value or route that the contract does not have does not compile', async () => {
    // @ts-expect-error: the parameter is `tag`
    await clientele.customers.page({ tags: 'vip' })
    // @ts-expect-error: there is no such sort
    await clientele.customers.page({ sort: ['age'] })
    // @ts-expect-error: the field is `surname`
    await clientele.customers.create({ name: 'Ana', surnam: 'Lovelace' })
    // @ts-expect-error: a customer needs a body
    await clientele.customers.create()
    // @ts-expect-error: the role is `admin`
    await clientele.users.grantRole('1', 'administrator')
    // @ts-expect-error: the path needs a key
    await expect(clientele.request('GET /v1/customers/{key}')).rejects.toThrow(TypeError)
    // @ts-expect-error: there is no such route
    await clientele.request('GET /v1/customer')
    expect(api.received).toHaveLength(6)
  })

  it('results, items of lists and codes of errors have the types of the contract', async () => {
    const customer: Customer = await clientele.customers.get('1')
    const { page } = await clientele.orders.page({ status: ['placed'] })
    const next: string | null = page.nextCursor
    for await (const { sku, stock } of clientele.products.list({ low: true })) expect([sku, stock]).toBeDefined()
    await clientele.request('GET /v1/users/me/sessions')
    const isTaken = (error: ClienteleError): boolean => error.code === 'duplicate'
    // @ts-expect-error: there is no such code
    const isDouble = (error: ClienteleError): boolean => error.code === 'double'
    const error = new ClienteleError({ code: 'duplicate', message: 'taken' })
    expect([customer.id, next, isTaken(error), isDouble(error)]).toEqual(['1', null, true, false])
  })
})
