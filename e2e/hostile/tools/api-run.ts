import { client } from '@clientele/platform/testing/client'
import { realmAdmin } from '@clientele/platform/testing/realm'
import { newPerson, type SignedIn } from '@clientele/platform/testing/tokens'
import { recordOf, services } from '../../services.ts'
import { type HostileSystem, startHostileSystem } from '../hostile-system.ts'
import { type Document, operationsOf, readDocument } from './document.ts'

const patientClient = 'test-long-lived'

/** The product for a tool that sends thousands of requests: no limit of rate, and a short log. */
export const startTarget = (): Promise<HostileSystem> => {
  const quiet = { LOG_LEVEL: 'warn' }
  return startHostileSystem({
    ...recordOf(services, quiet),
    gateway: { ...quiet, RATE_LIMIT_USER: '10000000', RATE_LIMIT_ADDRESS: '10000000', RATE_LIMIT_AUTH: '10000000' },
    // The realm lets links lead back there.
    'user-service': { ...quiet, SMTP_CONFIGURED: 'true', PUBLIC_URL: 'http://localhost:8000' },
  })
}

/** Somebody whose token outlives the longest run. */
export const patientPerson = async ({ realm }: HostileSystem, role: 'user' | 'admin'): Promise<SignedIn> => {
  await realmAdmin(realm.name).ensureClient(patientClient, {
    audience: 'clientele-api',
    attributes: { 'access.token.lifespan': '86400' },
  })
  return newPerson([role], realm.name, patientClient)
}

const counted = /^clientele_http_request_duration_seconds_count\{method="(\w+)",route="([^"]+)",status="(\d+)"\}/gm

/** What the gateway answered so far: `GET /v1/customers` → its statuses. */
export const answersOf = async (system: HostileSystem): Promise<Map<string, Set<number>>> => {
  const { body } = await client(system.url('gateway:internal')).get('/metrics')
  const answers = new Map<string, Set<number>>()
  for (const [, method, route, status] of String(body).matchAll(counted)) {
    const name = `${method} ${route}`
    answers.set(name, (answers.get(name) ?? new Set()).add(Number(status)))
  }
  return answers
}

/** Operations that the gateway never answered with success: what a tool said of them says little. */
export const neverDone = async (system: HostileSystem): Promise<string[]> => {
  const document: Document = await readDocument(system.gateway)
  const answers = await answersOf(system)
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, { operationId }]) => {
      const statuses = [...(answers.get(`${method.toUpperCase()} ${path}`) ?? [])]
      return statuses.some((status) => status < 400) ? [] : [operationId]
    }),
  )
}

export const operationCount = async (system: HostileSystem): Promise<number> =>
  operationsOf(await readDocument(system.gateway)).length
