import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import { Problem } from '@clientele/platform/problem'
import { counter, gauge } from '@clientele/platform/telemetry'
import { Pool } from 'undici'
import type { GatewayConfig } from './config.ts'
import { forward } from './forward.ts'
import type { OutHeaders } from './headers.ts'
import type { ServiceRow } from './routes.ts'

/** A request to pass on. `answerHeaders` makes the headers for the client from the service's. */
export type Passage = {
  method: string
  /** Path with its query string. */
  path: string
  headers: OutHeaders
  body: Readable | Promise<Buffer> | null
  res: ServerResponse
  answerHeaders: (headers: Record<string, string | string[] | undefined>) => OutHeaders
  /** A stream of events: no limit on silence, connections of its own. */
  stream: boolean
}

const observed = new Set<{ name: string; inFlight: { plain: number; stream: number } }>()

const observeLoad = () =>
  gauge('gateway_in_flight', 'Requests under way to a service', ['service', 'kind'], function () {
    for (const { name, inFlight } of observed) {
      this.set({ service: name, kind: 'plain' }, inFlight.plain)
      this.set({ service: name, kind: 'stream' }, inFlight.stream)
    }
  })

/** The kept-alive connections to one service, and how much it is asked at a time. */
export const createUpstream = ({ name, url }: ServiceRow, config: GatewayConfig) => {
  const pool = () =>
    new Pool(url, {
      connections: config.upstreamConnections,
      connect: { timeout: config.upstreamConnectMs },
      headersTimeout: config.upstreamTimeoutMs,
      bodyTimeout: config.upstreamTimeoutMs,
      keepAliveTimeout: 30_000,
      keepAliveMaxTimeout: 60_000,
      pipelining: 1,
      allowH2: false,
    })
  const pools = { plain: pool(), stream: pool() }
  observeLoad()
  const shed = counter('gateway_shed_total', 'Requests answered with 503 because a service has enough to do', [
    'service',
  ])
  const inFlight = { plain: 0, stream: 0 }
  const own = { name, inFlight }
  observed.add(own)
  const streams = new Set<ServerResponse>()
  const limits = { plain: config.maxInFlight, stream: config.upstreamConnections }

  return {
    name,
    /** @throws Problem 502, 503, 504 and what the body raises, while nothing has been sent to the client */
    send: async (passage: Passage): Promise<void> => {
      const kind = passage.stream ? 'stream' : 'plain'
      if (inFlight[kind] >= limits[kind]) {
        shed.inc({ service: name })
        throw new Problem('unavailable', { detail: 'too many requests are under way', headers: { 'Retry-After': '1' } })
      }
      inFlight[kind] += 1
      if (passage.stream) streams.add(passage.res)
      try {
        await forward(pools[kind], passage, config)
      } finally {
        if (passage.stream) streams.delete(passage.res)
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
