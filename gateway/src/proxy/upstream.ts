import type { ServerResponse } from 'node:http'
import { Problem } from '@clientele/platform/runtime/problem'
import { counter, gauge } from '@clientele/platform/runtime/telemetry'
import { Pool } from 'undici'
import type { GatewayConfig } from '../config.ts'
import type { ServiceRow } from '../services.ts'
import { forward } from './forward.ts'
import type { ProxiedRequest } from './proxied-request.ts'

type Kind = 'plain' | 'stream'
type Observed = {
  name: string
  inFlight: Record<Kind, number>
  limits: Record<Kind, number>
  pools: Record<Kind, Pool>
}

const kinds: readonly Kind[] = ['plain', 'stream']
const observed = new Set<Observed>()

/** Counted when the metrics are read, not with each request. */
const observeLoad = () => {
  gauge('gateway_in_flight', 'Requests under way to a service', ['upstream', 'kind'], function () {
    for (const { name, inFlight } of observed)
      for (const kind of kinds) this.set({ upstream: name, kind }, inFlight[kind])
  })
  gauge('gateway_in_flight_limit', 'From so many on, requests are shed', ['upstream', 'kind'], function () {
    for (const { name, limits } of observed) for (const kind of kinds) this.set({ upstream: name, kind }, limits[kind])
  })
  gauge('gateway_connections', 'Connections to a service', ['upstream', 'kind', 'state'], function () {
    for (const { name, pools } of observed)
      for (const kind of kinds) {
        const { connected, free } = pools[kind].stats
        this.set({ upstream: name, kind, state: 'used' }, connected - free)
        this.set({ upstream: name, kind, state: 'idle' }, free)
      }
  })
  gauge('gateway_waiting', 'Requests that wait for a connection to a service', ['upstream', 'kind'], function () {
    for (const { name, pools } of observed)
      for (const kind of kinds) this.set({ upstream: name, kind }, pools[kind].stats.queued)
  })
}

// Shorter than the pause between a service's SIGTERM and its last connection: an idle one is ours to close, and never closed
// under a request that is on its way.
const idleMs = 1_500

/** The kept-alive connections to one service, and how much it is asked at a time. */
export const createUpstream = ({ name, url }: ServiceRow, config: GatewayConfig) => {
  const pool = () =>
    new Pool(url, {
      connections: config.upstreamConnections,
      connect: { timeout: config.upstreamConnectMs },
      headersTimeout: config.upstreamTimeoutMs,
      bodyTimeout: config.upstreamTimeoutMs,
      keepAliveTimeout: idleMs,
      keepAliveMaxTimeout: idleMs,
      pipelining: 1,
      allowH2: false,
    })
  const pools = { plain: pool(), stream: pool() }
  observeLoad()
  const shed = counter('gateway_shed_total', 'Requests answered with 503 because a service has enough to do', [
    'upstream',
  ])
  shed.inc({ upstream: name }, 0)
  const inFlight = { plain: 0, stream: 0 }
  const limits = { plain: config.maxInFlight, stream: config.upstreamConnections }
  const own = { name, inFlight, limits, pools }
  observed.add(own)
  const streams = new Set<ServerResponse>()

  return {
    name,
    /** @throws Problem 502, 503, 504 and what the body rejects with, as long as nothing has been sent to the client */
    send: async (request: ProxiedRequest): Promise<void> => {
      const kind = request.stream ? 'stream' : 'plain'
      if (inFlight[kind] >= limits[kind]) {
        shed.inc({ upstream: name })
        throw new Problem('unavailable', { detail: 'too many requests are under way', headers: { 'Retry-After': '1' } })
      }
      inFlight[kind] += 1
      if (request.stream) streams.add(request.res)
      try {
        await forward(pools[kind], request, config)
      } finally {
        if (request.stream) streams.delete(request.res)
        inFlight[kind] -= 1
      }
    },
    /** Streams would hold up a shutdown; their clients connect again, to another replica. */
    endStreams: (): void => {
      for (const res of streams) res.destroy()
    },
    /** Cuts all connections. */
    close: async (): Promise<void> => {
      observed.delete(own)
      await Promise.all([pools.plain.destroy(), pools.stream.destroy()])
    },
  }
}
export type Upstream = ReturnType<typeof createUpstream>
