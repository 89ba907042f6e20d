import { Problem } from '@clientele/platform/runtime/problem'
import { counter, gauge } from '@clientele/platform/runtime/telemetry'
import { Pool } from 'undici'
import type { GatewayConfig } from '../config.ts'
import type { ServiceAddress } from '../services.ts'
import type { ForwardedStream } from './event-stream.ts'
import { forward } from './forward.ts'
import type { ProxiedRequest, RequestKind } from './proxied-request.ts'

type UpstreamLoad = {
  name: string
  inFlight: Record<RequestKind, number>
  limits: Record<RequestKind, number>
  pools: Record<RequestKind, Pool>
}

const kinds: readonly RequestKind[] = ['plain', 'file', 'stream']
const loads = new Set<UpstreamLoad>()

/** Registers gauges whose values are computed when metrics are scraped. */
const registerLoadMetrics = () => {
  gauge('gateway_in_flight', 'Requests in flight to a service', ['upstream', 'kind'], function () {
    for (const { name, inFlight } of loads) for (const kind of kinds) this.set({ upstream: name, kind }, inFlight[kind])
  })
  gauge(
    'gateway_in_flight_limit',
    'Number of requests in flight from which further requests are shed',
    ['upstream', 'kind'],
    function () {
      for (const { name, limits } of loads) for (const kind of kinds) this.set({ upstream: name, kind }, limits[kind])
    },
  )
  gauge('gateway_connections', 'Connections to a service', ['upstream', 'kind', 'state'], function () {
    for (const { name, pools } of loads)
      for (const kind of kinds) {
        const { connected, free } = pools[kind].stats
        this.set({ upstream: name, kind, state: 'used' }, connected - free)
        this.set({ upstream: name, kind, state: 'idle' }, free)
      }
  })
  gauge('gateway_waiting', 'Requests that wait for a connection to a service', ['upstream', 'kind'], function () {
    for (const { name, pools } of loads)
      for (const kind of kinds) this.set({ upstream: name, kind }, pools[kind].stats.queued)
  })
}

// Shorter than a service's pause between SIGTERM and closing its connections, so that the gateway closes an idle connection
// first and no request is sent on a connection that the service is closing.
const idleMs = 1_500

/** Creates the connection pools to one service and limits its concurrent requests. */
export const createUpstream = ({ name, url }: ServiceAddress, config: GatewayConfig) => {
  const pool = (connections: number, headersTimeout = config.upstreamTimeoutMs) =>
    new Pool(url, {
      connections,
      connect: { timeout: config.upstreamConnectMs },
      headersTimeout,
      bodyTimeout: config.upstreamTimeoutMs,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      pipelining: 1,
      allowH2: false,
    })
  const {
    upstreamConnections: connections,
    upstreamFileConnections: fileConnections,
    upstreamFileTimeoutMs: fileTimeoutMs,
    upstreamStreams: streamConnections,
  } = config
  const pools = {
    plain: pool(connections),
    file: pool(fileConnections, fileTimeoutMs),
    stream: pool(streamConnections),
  }
  registerLoadMetrics()
  const shed = counter(
    'gateway_shed_total',
    'Requests rejected with 503 because a service has too many requests in flight',
    ['upstream'],
  )
  shed.inc({ upstream: name }, 0)
  const inFlight = { plain: 0, file: 0, stream: 0 }
  const limits = { plain: config.maxInFlight, file: config.maxInFlight, stream: streamConnections }
  const load = { name, inFlight, limits, pools }
  loads.add(load)
  const streams = new Set<ForwardedStream>()

  return {
    name,
    /** @throws Problem 502, 503, 504 and the error of the body, if nothing has been sent to the client yet */
    send: async (request: ProxiedRequest): Promise<void> => {
      const { kind, stream } = request
      if (inFlight[kind] >= limits[kind]) {
        shed.inc({ upstream: name })
        throw new Problem('unavailable', { detail: 'too many requests in flight', headers: { 'Retry-After': '1' } })
      }
      inFlight[kind] += 1
      if (stream) streams.add(stream)
      try {
        await forward(pools[kind], request, config)
      } finally {
        if (stream) streams.delete(stream)
        inFlight[kind] -= 1
      }
    },
    /** Streams would delay a shutdown. Their clients reconnect to another replica. */
    endStreams: (): void => {
      for (const stream of streams) stream.end()
    },
    /** Closes all connections. */
    close: async (): Promise<void> => {
      loads.delete(load)
      await Promise.all(kinds.map((kind) => pools[kind].destroy()))
    },
  }
}
export type Upstream = ReturnType<typeof createUpstream>
