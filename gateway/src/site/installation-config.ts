import { readFileSync } from 'node:fs'
import { InstallationConfig, type PublicSettings } from '@clientele/contracts/installation'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { shareResult } from '@clientele/platform/runtime/shared-result'
import type { RequestHandler } from 'express'
import type { GatewayConfig } from '../config.ts'
import type { OutgoingHeaders } from '../request/header-rules.ts'
import { stateOf } from '../request/request-state.ts'
import { closeConnection, type ServiceAddress } from '../services.ts'

const timeoutMs = 1_000
const cacheMs = 60_000
const retryMs = 1_000

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as {
  version: string
}

/** Merges the settings of several processes. Of limits the lowest counts. */
const mergeSettings = (parts: PublicSettings[]): unknown => {
  const group = (name: keyof PublicSettings): object => Object.assign({}, ...parts.map((part) => part[name]))
  const limits: Record<string, number> = {}
  for (const [name, value] of parts.flatMap((part) => Object.entries(part.limits ?? {})))
    limits[name] = Math.min(value, limits[name] ?? value)
  return {
    ...Object.assign({}, ...parts),
    shop: group('shop'),
    customers: group('customers'),
    orders: group('orders'),
    features: group('features'),
    limits,
  }
}

type Deps = {
  config: Pick<GatewayConfig, 'maxBodyBytes' | 'maxUploadBytes' | 'maxFileBytes'>
  docsEnabled: boolean
  services: ServiceAddress[]
  securityHeaders: OutgoingHeaders
  log: Log
}

/**
 * `GET /v1/config`: the settings that each service has at its internal port, and the gateway's own. They are read once a minute.
 * If a service does not respond, its last known settings count.
 */
export const createInstallationConfig = ({
  config,
  docsEnabled,
  services,
  securityHeaders,
  log,
}: Deps): RequestHandler => {
  const own: PublicSettings = {
    name: 'Clientele',
    version,
    limits: {
      bodyBytes: config.maxBodyBytes,
      uploadBytes: config.maxUploadBytes,
      importBytes: config.maxFileBytes,
    },
    features: { docs: docsEnabled },
  }
  const known = new Map<string, PublicSettings>()

  const read = async ({ name, internalUrl }: ServiceAddress): Promise<void> => {
    const response = await fetch(`${internalUrl}/settings`, {
      headers: closeConnection,
      signal: AbortSignal.timeout(timeoutMs),
    }).catch(() => undefined)
    if (response?.ok) known.set(name, (await response.json()) as PublicSettings)
    else await response?.body?.cancel()
  }
  const readAll = async (): Promise<InstallationConfig> => {
    await Promise.all(services.map(read))
    const parsed = InstallationConfig.safeParse(mergeSettings([own, ...known.values()]))
    if (parsed.success) return parsed.data
    const missing = services.filter(({ name }) => !known.has(name)).map(({ name }) => name)
    log.warn({ missing, issues: parsed.error.issues.map(({ path }) => path.join('.')) }, 'settings are not complete')
    throw new Problem('unavailable', {
      detail: 'the settings of a service are not known yet',
      headers: { 'Retry-After': '2' },
    })
  }
  const current = shareResult(readAll, { maxAgeMs: cacheMs, failureMs: retryMs })

  return async (_req, res) => {
    const state = stateOf(res)
    state.routeName = '/v1/config'
    const body = await current()
    for (const [name, value] of Object.entries({ ...securityHeaders, ...state.headers })) res.setHeader(name, value)
    res.set('Cache-Control', 'public, max-age=60').json(body)
  }
}
