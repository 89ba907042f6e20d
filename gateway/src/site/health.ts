import type { TokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { Broker } from '@clientele/platform/events/broker'
import { shareResult } from '@clientele/platform/runtime/shared-result'
import { type Response, Router } from 'express'
import { closeConnection, type ServiceAddress } from '../services.ts'

export type Check = { name: string; status: 'up' | 'down'; detail?: string }
export type Health = { status: 'up' | 'down'; checks: Check[] }

const timeoutMs = 1_000
const cacheMs = 1_000
const staleKeysMs = 150_000
const defaultStartupGraceMs = 60_000

type Deps = {
  services: ServiceAddress[]
  verifier: TokenVerifier
  revocations: { isLoaded(): boolean }
  broker: () => Broker | undefined
  /** How long a starting gateway waits for services that have never been ready. */
  startupGraceMs?: number
}

const check = (name: string, detail: string | undefined): Check =>
  detail === undefined ? { name, status: 'up' } : { name, status: 'down', detail }

/**
 * Reports the health of services and backing services. They are checked at most once a second. The report contains no secrets.
 */
export const createHealth = ({
  services,
  verifier,
  revocations,
  broker,
  startupGraceMs = defaultStartupGraceMs,
}: Deps) => {
  const graceUntil = performance.now() + startupGraceMs
  const everReady = new Set<string>()

  const checkService = async ({ name, internalUrl }: ServiceAddress): Promise<Check> => {
    try {
      const response = await fetch(`${internalUrl}/health/ready`, {
        headers: closeConnection,
        signal: AbortSignal.timeout(timeoutMs),
      })
      await response.body?.cancel()
      if (response.ok) everReady.add(name)
      return check(name, response.ok ? undefined : 'not ready')
    } catch {
      return check(name, 'no response')
    }
  }
  const checkOwn = (): Check[] => [
    check('keycloak', verifier.keyAgeMs() > staleKeysMs ? 'its signing keys cannot be loaded' : undefined),
    check('revocations', revocations.isLoaded() ? undefined : 'not loaded yet'),
  ]
  const checkAll = async (): Promise<Health> => {
    const checks = [...(await Promise.all(services.map(checkService))), ...checkOwn()]
    checks.push(check('broker', broker()?.isHealthy() === true ? undefined : 'not connected'))
    return { status: checks.every(({ status }) => status === 'up') ? 'up' : 'down', checks }
  }
  const current = shareResult(checkAll, { maxAgeMs: cacheMs })

  return {
    current,
    /**
     * Whether this gateway can serve requests: signing keys and revocations are loaded, and every service has been ready once
     * or a minute has passed. A service that is unavailable later does not make the gateway unready; only its own routes return
     * 503.
     */
    readiness: async (): Promise<Health> => {
      const inGracePeriod = performance.now() < graceUntil
      const missing = inGracePeriod ? services.filter(({ name }) => !everReady.has(name)) : []
      if (missing.length > 0) await current()
      const checks = [
        ...services.map(({ name }) =>
          check(name, everReady.has(name) || !inGracePeriod ? undefined : 'has not been ready yet'),
        ),
        check(
          'keycloak',
          verifier.keyAgeMs() === Number.POSITIVE_INFINITY ? 'its signing keys are not loaded yet' : undefined,
        ),
        check('revocations', revocations.isLoaded() ? undefined : 'not loaded yet'),
      ]
      return { status: checks.every(({ status }) => status === 'up') ? 'up' : 'down', checks }
    },
  }
}
export type HealthReader = ReturnType<typeof createHealth>

/** Sends a report: 200 if everything is up, otherwise 503. */
export const sendHealth = (res: Response, health: Pick<Health, 'status'>): void =>
  void res
    .set('Cache-Control', 'no-store')
    .status(health.status === 'up' ? 200 : 503)
    .json(health)

/** `GET /health` of the internal port: the whole report in every profile. */
export const internalHealth = (health: HealthReader): Router =>
  Router().get('/health', async (_req, res) => sendHealth(res, await health.current()))
