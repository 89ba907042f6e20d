import { registry } from '@clientele/contracts/services'
import { createRouteIndex } from '../src/proxy/route-index.ts'
import { readContracts } from '../src/site/api-documents.ts'
import { startGateway, type TestGateway } from './gateway.ts'

const contracts = await readContracts(registry.services.map(({ name }) => name))
type Operation = { operationId: string; security?: object[] }
const operations = contracts.flatMap(({ service, openapi }) =>
  Object.entries(openapi.paths ?? {}).flatMap(([path, item]) =>
    Object.entries(item as Record<string, Operation>).map(([method, operation]) => ({
      service,
      method: method.toUpperCase(),
      path,
      ...operation,
    })),
  ),
)

describe('The contracts of the services', () => {
  let gateway: TestGateway
  beforeAll(async () => {
    gateway = await startGateway({ rateLimitAuth: 1_000 }, { contracts })
  }, 60_000)
  afterAll(() => gateway?.stop())

  it('only the listed routes can be called without a token', () => {
    const find = createRouteIndex(contracts.map(({ service, openapi }) => ({ service, document: openapi })))
    const openOperations = operations.filter(({ method, path }) => {
      const found = find(method, path)
      return found && 'route' in found && found.route.access !== 'token'
    })
    expect(openOperations.map(({ method, path }) => `${method} ${path}`).sort()).toEqual([
      'GET /v1/auth/config',
      'GET /v1/jobs/{id}/errors',
      'GET /v1/jobs/{id}/result',
      'GET /v1/media/{id}/content',
      'GET /v1/order-jobs/{id}/errors',
      'GET /v1/order-jobs/{id}/result',
      'POST /v1/auth/email-confirmations',
      'POST /v1/auth/email-restorations',
      'POST /v1/auth/login',
      'POST /v1/auth/logout',
      'POST /v1/auth/password-reset',
      'POST /v1/auth/refresh',
      'POST /v1/auth/signup',
      'POST /v1/callbacks/{provider}/{secret}',
    ])
  })

  it('every other route returns 401 without a token', async () => {
    const protectedOperations = operations.filter(
      ({ security }) => security?.length !== 0 && !security?.some((each) => Object.keys(each).length === 0),
    )
    expect(protectedOperations.length).toBeGreaterThan(20)
    for (const { method, path } of protectedOperations) {
      const { status } = await gateway.as().raw(method, path.replace(/\{\w+\}/g, 'x'))
      expect({ method, path, status }).toEqual({ method, path, status: 401 })
    }
    for (const { requests } of gateway.stubs) expect(requests).toEqual([])
  })

  it('the merged documents contain every operation and no unresolved reference', async () => {
    const { body } = await gateway.as().get('/openapi.json')
    const text = JSON.stringify(body)
    for (const { operationId } of operations) expect(text).toContain(`"operationId":"${operationId}"`)
    const references = new Set([...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map((match) => match[1] ?? ''))
    const unresolved = [...references].filter(
      (each) => each.split('/').reduce((at, part) => at?.[part], body) === undefined,
    )
    expect(unresolved).toEqual([])
    const { body: events } = await gateway.as().get('/asyncapi.json')
    expect(Object.keys(events.channels)).toEqual(
      expect.arrayContaining(['customerCreatedV1', 'userDisabledV1', 'mediaStoredV1']),
    )
    for (const { channel } of Object.values<{ channel: { $ref: string } }>(events.operations))
      expect(events.channels).toHaveProperty(channel.$ref.replace('#/channels/', ''))
  })

  it('each path is forwarded to the service that declares it', async () => {
    await gateway.as().post('/v1/auth/login', {})
    await gateway.as().get('/v1/media/x/content')
    expect([gateway.users, gateway.customers, gateway.media].map(({ requests }) => requests.length)).toEqual([1, 0, 1])
  })
})
