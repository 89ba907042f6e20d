import { client } from '@clientele/platform/testing/client'
import { testEnv } from '@clientele/platform/testing/database'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { createSignedInUser, type SignedInUser } from '@clientele/platform/testing/tokens'
import { recordOf, services } from '../../services.ts'
import { type HostileSystem, startHostileSystem } from '../hostile-system.ts'
import { type Document, operationsOf, readDocument } from './openapi.ts'

const longLivedClient = 'test-long-lived'

/** Starts the product for a tool that sends thousands of requests: without limits of requests and rows, and with few logs. */
export const startTarget = (): Promise<HostileSystem> => {
  const settings = { LOG_LEVEL: 'warn', ROWS_PER_MINUTE: '1000000000' }
  return startHostileSystem({
    ...recordOf(services, settings),
    gateway: { ...settings, RATE_LIMIT_USER: '10000000', RATE_LIMIT_ADDRESS: '10000000', RATE_LIMIT_AUTH: '10000000' },
    // So that notifications have a channel.
    'notification-service': {
      ...settings,
      SMTP_URL: `smtp://127.0.0.1:${testEnv('TEST_SMTP_PORT')}`,
      MAIL_FROM: 'shop@clientele.localhost',
    },
    // The realm allows links of mails to lead there.
    'user-service': { ...settings, SMTP_CONFIGURED: 'true', PUBLIC_URL: 'http://localhost:8000' },
  })
}

/** Signs in a new user whose token is valid for a day, longer than any run. */
export const signInForLong = async ({ realm }: HostileSystem, role: 'user' | 'admin'): Promise<SignedInUser> => {
  await realmAdmin(realm.name).ensureClient(longLivedClient, {
    audience: 'clientele-api',
    attributes: { 'access.token.lifespan': '86400' },
  })
  return createSignedInUser([role], realm.name, longLivedClient)
}

const requestCount = /^clientele_http_request_duration_seconds_count\{method="(\w+)",route="([^"]+)",status="(\d+)"\}/gm

/** The statuses of all responses of the gateway so far, by route: `GET /v1/customers` → 200, 400. */
export const statusesByRoute = async (system: HostileSystem): Promise<Map<string, Set<number>>> => {
  const { body } = await client(system.url('gateway:internal')).get('/metrics')
  const statuses = new Map<string, Set<number>>()
  for (const [, method, route, status] of String(body).matchAll(requestCount)) {
    const name = `${method} ${route}`
    statuses.set(name, (statuses.get(name) ?? new Set()).add(Number(status)))
  }
  return statuses
}

/** Operations without any successful response, with what they returned. A tool has tested little of them. */
export const neverSucceeded = async (system: HostileSystem): Promise<{ operationId: string; statuses: number[] }[]> => {
  const document: Document = await readDocument(system.gateway)
  const byRoute = await statusesByRoute(system)
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, { operationId }]) => {
      const statuses = [...(byRoute.get(`${method.toUpperCase()} ${path}`) ?? [])]
      return statuses.some((status) => status < 400) ? [] : [{ operationId, statuses }]
    }),
  )
}

export const operationCount = async (system: HostileSystem): Promise<number> =>
  operationsOf(await readDocument(system.gateway)).length
