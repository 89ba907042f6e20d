import { envPrefix, registry } from '@clientele/contracts/services'
import { loadConfig } from '@clientele/platform/runtime/config'
import { type Service, startService } from '@clientele/platform/service/service'
import { client } from '@clientele/platform/testing/client'
import { testConfig, testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import type { RequestHandler } from 'express'
import { createGateway } from '../src/app.ts'
import { configShape, type GatewayConfig } from '../src/config.ts'
import { readOwnDocument, type ServiceContract } from '../src/site/api-documents.ts'
import { type StubService, startStubService } from './stub-service.ts'

const tokenRequired = [{ bearer: [] }, { keycloak: [] }]
const json = { 'application/json': {} }
const contract = (service: string, paths: Record<string, object>): ServiceContract => ({
  service,
  openapi: { paths: paths as Record<string, Record<string, unknown>> },
  asyncapi: {},
})

/** Contracts with a few routes of each kind. */
export const testContracts: ServiceContract[] = [
  contract('user-service', {
    '/v1/auth/login': { post: { security: [], requestBody: { content: json }, 'x-max-body-bytes': 10_000 } },
    '/v1/auth/config': { get: { security: [] } },
    '/v1/users/me': { get: { security: tokenRequired } },
  }),
  contract('customer-service', {
    '/v1/customers': {
      get: { security: tokenRequired },
      post: { security: tokenRequired, requestBody: { content: { ...json, 'multipart/form-data': {} } } },
    },
    '/v1/customers/{key}': { get: { security: tokenRequired }, patch: { requestBody: { content: json } }, delete: {} },
    '/v1/customers/batch': { post: { security: tokenRequired } },
    '/v1/imports': {
      post: {
        security: tokenRequired,
        requestBody: { content: { ...json, 'text/csv': {} } },
        'x-file-bodies': ['application/json', 'text/csv'],
      },
    },
  }),
  contract('activity-service', {
    '/v1/events/stream': { get: { security: tokenRequired, 'x-event-stream': true } },
  }),
  contract('media-service', {
    '/v1/media': {
      post: { security: tokenRequired, requestBody: { content: { 'multipart/form-data': {}, 'image/*': {} } } },
    },
    '/v1/media/{id}': { get: { security: tokenRequired } },
    '/v1/media/{id}/content': { get: { security: [{}, ...tokenRequired], 'x-file-response': true } },
  }),
]

export type TestGateway = {
  url: string
  internalUrl: string
  config: GatewayConfig
  users: StubService
  customers: StubService
  media: StubService
  activity: StubService
  /** The stubs of all services, including those above. */
  stubs: StubService[]
  as: (token?: string) => ReturnType<typeof client>
  stop(): Promise<void>
}

/** Starts a real gateway in front of stub services and waits until it is ready, unless `wait` is false. */
export const startGateway = async (
  overrides: Partial<GatewayConfig> = {},
  {
    contracts = testContracts,
    wait = true,
    prepare,
    middleware = [],
  }: {
    contracts?: ServiceContract[]
    wait?: boolean
    prepare?: (users: StubService) => void
    middleware?: RequestHandler[]
  } = {},
): Promise<TestGateway> => {
  const stubs = new Map(
    await Promise.all(registry.services.map(async ({ name }) => [name, await startStubService()] as const)),
  )
  const stubOf = (name: string): StubService => {
    const found = stubs.get(name)
    if (!found) throw new Error(`${name} is not in services.json`)
    return found
  }
  const users = stubOf('user-service')
  prepare?.(users)
  const { checkResponses: _checkResponses, ...base } = testConfig()
  const env = {
    PROFILE: 'local',
    RABBITMQ_URL: base.rabbitmqUrl,
    KEYCLOAK_URL: base.keycloakUrl,
    KEYCLOAK_ISSUER: base.keycloakIssuer,
    PUBLIC_URL: 'http://gateway.example',
    ...Object.fromEntries(
      [...stubs].flatMap(([name, { url, internalUrl }]) => [
        [`${envPrefix(name)}_URL`, url],
        [`${envPrefix(name)}_INTERNAL_URL`, internalUrl],
      ]),
    ),
  }
  const { requestTimeoutMs: _requestTimeoutMs, userServiceInternalUrl: _url, ...own } = base
  const config: GatewayConfig = {
    ...loadConfig(configShape, env),
    ...own,
    rateLimitUser: 100_000,
    rateLimitAddress: 100_000,
    ...overrides,
  }
  const log = testLog()
  const gateway = createGateway({ config, contracts, ownDocument: await readOwnDocument(), log, middleware })
  const service: Service = await startService({ name: 'gateway', config, log, ...gateway })
  const as = (token?: string) => client(service.url, token)
  if (wait)
    await eventually(async () => {
      const { status, body } = await as().get('/health/ready')
      if (status !== 200) throw new Error(JSON.stringify(body))
    })
  return {
    url: service.url,
    internalUrl: service.internalUrl,
    config,
    users,
    customers: stubOf('customer-service'),
    media: stubOf('media-service'),
    activity: stubOf('activity-service'),
    stubs: [...stubs.values()],
    as,
    stop: async () => {
      await service.stop()
      await Promise.all([gateway.close(), ...[...stubs.values()].map((each) => each.stop())])
    },
  }
}
