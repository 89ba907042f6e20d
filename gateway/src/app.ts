import { createTokenVerifier } from '@clientele/platform/auth/token-verifier'
import type { Broker } from '@clientele/platform/events/broker'
import type { Consumer } from '@clientele/platform/events/consumer/consumer'
import type { Log } from '@clientele/platform/runtime/log'
import { periodicTask, type Task } from '@clientele/platform/runtime/periodic-task'
import { createRevocationReader, revocationsOver } from '@clientele/platform/service/revocation-reader'
import type { RequestHandler } from 'express'
import { createAdmission } from './access/admission.ts'
import { createConnectionLimit } from './access/connection-limit.ts'
import { createRateLimits } from './access/rate-limit.ts'
import type { GatewayConfig } from './config.ts'
import { createExpressApp } from './express-app.ts'
import { createProxy } from './proxy/proxy.ts'
import { createRouteIndex } from './proxy/route-index.ts'
import { createUpstream } from './proxy/upstream.ts'
import { createRequestTracker } from './request/request-tracker.ts'
import { createErrorHandler } from './response/error-handler.ts'
import { createSecurityHeaders } from './response/security-headers.ts'
import { serviceAddresses } from './services.ts'
import { mergeAsyncApi, mergeOpenApi, type ServiceContract } from './site/api-documents.ts'
import type { Contract } from './site/contract-view.ts'
import { createHealth, internalHealth } from './site/health.ts'
import { createInstallationConfig } from './site/installation-config.ts'
import { createSite } from './site/site.ts'

const maxKeyAgeMs = 60_000

/**
 * Creates the gateway's parts. Nothing connects before they are started. `contracts` are the generated documents of the
 * services, `ownDocument` that of the gateway; `middleware` runs before everything else.
 */
export const createGateway = ({
  config,
  contracts,
  ownDocument,
  log,
  middleware = [],
}: {
  config: GatewayConfig
  contracts: ServiceContract[]
  ownDocument: ServiceContract['openapi']
  log: Log
  middleware?: RequestHandler[]
}) => {
  const addresses = serviceAddresses(config)
  const verifier = createTokenVerifier(config)
  const { revocations } = verifier
  const reader = createRevocationReader({
    service: 'gateway',
    list: revocations,
    read: revocationsOver(config.userServiceInternalUrl),
    intervalMs: config.revocationPollMs,
    log,
  })
  let broker: Broker | undefined
  const consumer: Consumer = {
    ...reader.consumer,
    start: (parts) => {
      broker = parts.broker
      return reader.consumer.start(parts)
    },
  }
  const health = createHealth({ services: addresses, verifier, revocations, broker: () => broker })
  const security = createSecurityHeaders(config)
  const limits = createRateLimits(config)
  const upstreams = new Map(addresses.map((address) => [address.name, createUpstream(address, config)]))
  const findRoute = createRouteIndex(contracts.map(({ service, openapi }) => ({ service, document: openapi })))

  const docsEnabled = config.docsEnabled ?? config.profile === 'local'
  const tracker = createRequestTracker({ log, trustedProxies: config.trustedProxies })
  const app = createExpressApp({
    config,
    log,
    middleware,
    tracker,
    limits,
    admission: createAdmission({ verifier, limits, findRoute }),
    proxy: createProxy({ config, revocations, upstreams, securityHeaders: security.headers.api }),
    installationConfig: createInstallationConfig({
      config,
      docsEnabled,
      services: addresses,
      securityHeaders: security.headers.api,
      log,
    }),
    site: createSite({
      config,
      docsEnabled,
      health,
      security,
      // Generated from the routes, so it has what the pages read.
      openapi: mergeOpenApi([...contracts, { service: 'gateway', openapi: ownDocument }], config) as Contract,
      asyncapi: mergeAsyncApi(contracts),
    }),
    errorHandler: createErrorHandler({ log, tracker, security, publicUrl: config.publicUrl }),
  })

  let keysFailing = false
  const keys = periodicTask({
    name: 'keys',
    intervalMs: 1_000,
    runAtStart: true,
    timeoutMs: 10_000,
    log,
    run: async () => {
      if (verifier.keyAgeMs() < maxKeyAgeMs) return
      await verifier.warmUp().then(
        () => {
          keysFailing = false
        },
        (error: unknown) => {
          if (!keysFailing) log.warn({ err: error }, 'loading the signing keys of Keycloak failed')
          keysFailing = true
        },
      )
    },
  })
  // Stopping the tasks precedes waiting for requests in flight, so open streams do not delay a shutdown.
  const streams: Task = {
    name: 'streams',
    start: () => {},
    stop: async () => {
      for (const upstream of upstreams.values()) upstream.endStreams()
    },
  }

  return {
    app,
    onConnection: createConnectionLimit(config),
    consumers: [consumer],
    tasks: [reader.task, keys, streams],
    internal: internalHealth(health),
    ready: {
      parts: async () => {
        const { checks } = await health.readiness()
        const down = checks.filter(({ status }) => status === 'down')
        if (down.length > 0) throw new Error(down.map(({ name, detail }) => `${name}: ${detail}`).join('; '))
      },
    },
    /** For tests: closes the connections to the services. Call it after the last request. A gateway process just exits. */
    close: async () => void (await Promise.all([...upstreams.values()].map((upstream) => upstream.close()))),
  }
}
