import { createVerifier } from '@clientele/platform/auth/token-verifier'
import type { Broker } from '@clientele/platform/events/broker'
import type { Consumer } from '@clientele/platform/events/consumer/consumer'
import type { Log } from '@clientele/platform/runtime/log'
import { every, type Task } from '@clientele/platform/runtime/periodic-task'
import type { RequestHandler } from 'express'
import { createAdmission } from './access/admission.ts'
import { createRateLimits } from './access/rate-limit.ts'
import { createRevocations } from './access/revocations.ts'
import type { GatewayConfig } from './config.ts'
import { createExpressApp } from './express-app.ts'
import { createProxy } from './proxy/proxy.ts'
import { createRouteIndex } from './proxy/route-index.ts'
import { createUpstream } from './proxy/upstream.ts'
import { createRequestTracker } from './request/request-tracker.ts'
import { createErrorHandler } from './response/error-handler.ts'
import { createSecurityHeaders } from './response/security-headers.ts'
import { services } from './services.ts'
import { mergeAsyncApi, mergeOpenApi, type ServiceContract } from './site/api-documents.ts'
import { createHealth } from './site/health.ts'
import { createSite } from './site/site.ts'

const keyAgeMs = 60_000

/**
 * The gateway's parts; nothing connects before they are started. `contracts` are the services' generated documents,
 * `middleware` runs in front of everything.
 */
export const createGateway = ({
  config,
  contracts,
  log,
  middleware = [],
}: {
  config: GatewayConfig
  contracts: ServiceContract[]
  log: Log
  middleware?: RequestHandler[]
}) => {
  const table = services(config)
  const verifier = createVerifier(config)
  const revocations = createRevocations({
    userServiceInternalUrl: config.userServiceInternalUrl,
    intervalMs: config.revocationPollMs,
    log,
  })
  let broker: Broker | undefined
  const consumer: Consumer = {
    ...revocations.consumer,
    start: (parts) => {
      broker = parts.broker
      return revocations.consumer.start(parts)
    },
  }
  const health = createHealth({ services: table, verifier, revocations, broker: () => broker })
  const security = createSecurityHeaders(config)
  const limits = createRateLimits(config)
  const upstreams = new Map(table.map((row) => [row.name, createUpstream(row, config)]))
  const routes = createRouteIndex(contracts.map(({ service, openapi }) => ({ service, document: openapi })))

  const tracker = createRequestTracker({ log, trustedProxies: config.trustedProxies })
  const app = createExpressApp({
    config,
    log,
    middleware,
    tracker,
    limits,
    admission: createAdmission({ verifier, revocations, limits, routes }),
    proxy: createProxy({ config, revocations, upstreams, securityHeaders: security.headers.api }),
    site: createSite({
      config,
      health,
      security,
      openapi: mergeOpenApi(contracts, config),
      asyncapi: mergeAsyncApi(contracts),
    }),
    errorHandler: createErrorHandler({ log, tracker, security, publicUrl: config.publicUrl }),
  })

  let keysFailing = false
  const keys = every({
    name: 'keys',
    intervalMs: 1_000,
    runAtStart: true,
    timeoutMs: 10_000,
    log,
    run: async () => {
      if (verifier.keyAgeMs() < keyAgeMs) return
      await verifier.warmUp().then(
        () => {
          keysFailing = false
        },
        (error: unknown) => {
          if (!keysFailing) log.warn({ err: error }, "Keycloak's keys cannot be read")
          keysFailing = true
        },
      )
    },
  })
  const streams: Task = {
    name: 'streams',
    start: () => {},
    stop: async () => {
      for (const upstream of upstreams.values()) upstream.endStreams()
    },
  }

  return {
    app,
    consumers: [consumer],
    tasks: [revocations.task, keys, streams],
    ready: {
      parts: async () => {
        const { checks } = await health.readiness()
        const down = checks.filter(({ status }) => status === 'down')
        if (down.length > 0) throw new Error(down.map(({ name, detail }) => `${name}: ${detail}`).join('; '))
      },
    },
    /** Cuts the connections to the services; after the last request. */
    close: async () => void (await Promise.all([...upstreams.values()].map((upstream) => upstream.close()))),
  }
}
