import type { Verifier } from '@clientele/platform/auth/token-verifier'
import type { Broker } from '@clientele/platform/events/broker'
import { ownConnection, type ServiceRow } from '../services.ts'

export type Check = { name: string; status: 'up' | 'down'; detail?: string }
export type Health = { status: 'up' | 'down'; checks: Check[] }

const answerMs = 1_000
const cacheMs = 1_000
const staleKeysMs = 150_000
const firstReadyMs = 60_000

type Parts = {
  services: ServiceRow[]
  verifier: Verifier
  revocations: { loaded(): boolean }
  broker: () => Broker | undefined
  /** How long after its start a gateway waits for services that have never been ready. */
  patienceMs?: number
}

const check = (name: string, fault: string | undefined): Check =>
  fault === undefined ? { name, status: 'up' } : { name, status: 'down', detail: fault }

/** How all parts are, asked at most once a second however often it is read; nothing in it is a secret. */
export const createHealth = ({ services, verifier, revocations, broker, patienceMs = firstReadyMs }: Parts) => {
  const patientUntil = performance.now() + patienceMs
  const answered = new Set<string>()
  let last: { at: number; result: Promise<Health> } | undefined

  const askService = async ({ name, internalUrl }: ServiceRow): Promise<Check> => {
    try {
      const response = await fetch(`${internalUrl}/health/ready`, {
        headers: ownConnection,
        signal: AbortSignal.timeout(answerMs),
      })
      await response.body?.cancel()
      if (response.ok) answered.add(name)
      return check(name, response.ok ? undefined : 'not ready')
    } catch {
      return check(name, 'no answer')
    }
  }
  const own = (): Check[] => [
    check('keycloak', verifier.keyAgeMs() > staleKeysMs ? 'its keys cannot be read' : undefined),
    check('revocations', revocations.loaded() ? undefined : 'not read yet'),
  ]
  const ask = async (): Promise<Health> => {
    const checks = [...(await Promise.all(services.map(askService))), ...own()]
    checks.push(check('broker', broker()?.healthy() === true ? undefined : 'not connected'))
    return { status: checks.every(({ status }) => status === 'up') ? 'up' : 'down', checks }
  }
  const current = (): Promise<Health> => {
    if (!last || Date.now() - last.at > cacheMs) last = { at: Date.now(), result: ask() }
    return last.result
  }

  return {
    current,
    /**
     * Whether this gateway may take requests: keys and revocations read, and every service has been ready once, or a minute is
     * over. A service that is away makes its own routes answer 503, not the whole gateway unready.
     */
    readiness: async (): Promise<Health> => {
      const waiting = performance.now() < patientUntil
      const missing = waiting ? services.filter(({ name }) => !answered.has(name)) : []
      if (missing.length > 0) await current()
      const checks = [
        ...services.map(({ name }) =>
          check(name, answered.has(name) || !waiting ? undefined : 'has not been ready yet'),
        ),
        check(
          'keycloak',
          verifier.keyAgeMs() === Number.POSITIVE_INFINITY ? 'its keys have not been read yet' : undefined,
        ),
        check('revocations', revocations.loaded() ? undefined : 'not read yet'),
      ]
      return { status: checks.every(({ status }) => status === 'up') ? 'up' : 'down', checks }
    },
  }
}
export type HealthReader = ReturnType<typeof createHealth>
