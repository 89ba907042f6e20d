import { registry, variablePrefix } from '@clientele/contracts/services'
import { loadConfig } from '@clientele/platform/runtime/config'
import { type Service, startService } from '@clientele/platform/service/service'
import { client } from '@clientele/platform/testing/client'
import { testConfig, testLog } from '@clientele/platform/testing/service'
import { eventually } from '@clientele/platform/testing/wait'
import type { RequestHandler } from 'express'
import { createGateway } from '../src/app.ts'
import { configShape, type GatewayConfig } from '../src/config.ts'
import type { ServiceContract } from '../src/site/api-documents.ts'
import { type StandIn, standIn } from './upstreams.ts'

const signedIn = [{ bearer: [] }, { keycloak: [] }]
const json = { 'application/json': {} }
const contract = (service: string, paths: Record<string, object>): ServiceContract => ({
  service,
  openapi: { paths: paths as Record<string, Record<string, unknown>> },
  asyncapi: {},
})

/** Routes as services declare them, few of each kind. */
export const testContracts: ServiceContract[] = [
  contract('user-service', {
    '/v1/auth/login': { post: { security: [], requestBody: { content: json } } },
    '/v1/auth/config': { get: { security: [] } },
    '/v1/users/me': { get: { security: signedIn } },
  }),
  contract('customer-service', {
    '/v1/customers': {
      get: { security: signedIn },
      post: { security: signedIn, requestBody: { content: { ...json, 'multipart/form-data': {} } } },
    },
    '/v1/customers/{key}': { get: { security: signedIn }, patch: { requestBody: { content: json } }, delete: {} },
    '/v1/customers/batch': { post: { security: signedIn } },
    '/v1/imports': {
      post: {
        security: signedIn,
        requestBody: { content: { ...json, 'text/csv': {} } },
        'x-file-bodies': ['application/json', 'text/csv'],
      },
    },
  }),
  contract('media-service', {
    '/v1/media': {
      post: { security: signedIn, requestBody: { content: { 'multipart/form-data': {}, 'image/*': {} } } },
    },
    '/v1/media/{id}/content': { get: { security: [{}, ...signedIn] } },
  }),
]

export type TestGateway = {
  url: string
  internalUrl: string
  config: GatewayConfig
  users: StandIn
  customers: StandIn
  media: StandIn
  /** Of every service, those above among them. */
  standIns: StandIn[]
  as: (token?: string) => ReturnType<typeof client>
  stop(): Promise<void>
}

/** A real gateway in front of stand-ins for the services. It is ready when this resolves, unless `wait` is false. */
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
    prepare?: (users: StandIn) => void
    middleware?: RequestHandler[]
  } = {},
): Promise<TestGateway> => {
  const standIns = new Map(
    await Promise.all(registry.services.map(async ({ name }) => [name, await standIn()] as const)),
  )
  const standInOf = (name: string): StandIn => {
    const found = standIns.get(name)
    if (!found) throw new Error(`there is no ${name} in services.json`)
    return found
  }
  const users = standInOf('user-service')
  prepare?.(users)
  const { checkResponses: _unused, ...base } = testConfig()
  const env = {
    RABBITMQ_URL: base.rabbitmqUrl,
    KEYCLOAK_URL: base.keycloakUrl,
    KEYCLOAK_ISSUER: base.keycloakIssuer,
    PUBLIC_URL: 'http://gateway.example',
    ...Object.fromEntries(
      [...standIns].flatMap(([name, { url, internalUrl }]) => [
        [`${variablePrefix(name)}_URL`, url],
        [`${variablePrefix(name)}_INTERNAL_URL`, internalUrl],
      ]),
    ),
  }
  const { requestTimeoutMs: _shorter, ...own } = base
  const config: GatewayConfig = {
    ...loadConfig(configShape, env),
    ...own,
    rateLimitUser: 100_000,
    rateLimitAddress: 100_000,
    ...overrides,
  }
  const log = testLog()
  const gateway = createGateway({ config, contracts, log, middleware })
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
    customers: standInOf('customer-service'),
    media: standInOf('media-service'),
    standIns: [...standIns.values()],
    as,
    stop: async () => {
      await service.stop()
      await Promise.all([gateway.close(), ...[...standIns.values()].map((each) => each.stop())])
    },
  }
}
