import type { RevocationList } from '@clientele/platform/auth/revocation-list'
import { drainRequest, keepAliveUntilRead } from '@clientele/platform/http/early-response'
import { gatewayTimeoutHeader } from '@clientele/platform/http/gateway-timeout'
import { hasBody } from '@clientele/platform/http/has-body'
import { mediaTypeOf } from '@clientele/platform/http/request-parsing'
import { currentTraceparent } from '@clientele/platform/runtime/telemetry'
import type { Request, RequestHandler, Response } from 'express'
import { createConcurrencyLimit } from '../access/concurrency-limit.ts'
import { createStreamLimit } from '../access/stream-limit.ts'
import type { GatewayConfig } from '../config.ts'
import { networksOf } from '../request/client-address.ts'
import { addVary, filterRequestHeaders, filterResponseHeaders, type OutgoingHeaders } from '../request/header-rules.ts'
import { type RequestState, stateOf } from '../request/request-state.ts'
import { notModifiedEtag, uncodedEtags } from '../response/content-coding.ts'
import { createForwardedStream } from './event-stream.ts'
import type { RequestKind } from './proxied-request.ts'
import { type BodyLimits, requestBody } from './request-body.ts'
import type { Route } from './route-index.ts'
import type { Upstream } from './upstream.ts'

type Deps = {
  config: GatewayConfig
  revocations: RevocationList
  upstreams: ReadonlyMap<string, Upstream>
  securityHeaders: OutgoingHeaders
}

const conditions = ['if-match', 'if-none-match']
const varyOnOrigin = ['Origin']
const varyOnCoding = ['Accept-Encoding', 'Origin']

/** Node's timers cannot wait longer. */
const maxTimerMs = 2_147_483_647

/** Forwards an admitted request to its service and streams the response back. */
export const createProxy = ({ config, revocations, upstreams, securityHeaders }: Deps): RequestHandler => {
  const { protocol, host } = new URL(config.publicUrl)
  const timeoutMs = String(config.upstreamTimeoutMs)
  const publicProtocol = protocol.slice(0, -1)
  const clientLimit = createConcurrencyLimit({
    maxConcurrent: config.maxInFlightPerClient,
    waitMs: config.upstreamQueueMs,
  })
  const streamLimit = createStreamLimit({ maxStreams: config.maxStreamsPerClient })

  const requestHeaders = (req: Request, { requestId, traceparent, address, token }: RequestState): OutgoingHeaders => {
    const headers = filterRequestHeaders(req.headers)
    for (const name of conditions) if (typeof headers[name] === 'string') headers[name] = uncodedEtags(headers[name])
    if (token) headers['authorization'] = req.headers.authorization ?? ''
    headers['x-request-id'] = requestId
    headers['traceparent'] = currentTraceparent() ?? traceparent
    headers['x-forwarded-for'] = address
    headers['x-forwarded-proto'] = publicProtocol
    headers['x-forwarded-host'] = host
    headers[gatewayTimeoutHeader] = timeoutMs
    return headers
  }

  const limitsOf = (route: Route, type: string): BodyLimits => {
    const { clientStallMs: stallMs, clientMinBytesPerSecond: minBytesPerSecond } = config
    const limits = (maxBytes: number, isUpload: boolean) => ({ maxBytes, stallMs, minBytesPerSecond, isUpload })
    if (route.fileTypes.has(type)) return limits(config.maxFileBytes, true)
    if (route.acceptsUploads && !type.includes('json')) return limits(config.maxUploadBytes, true)
    return limits(Math.min(route.maxBodyBytes, config.maxBodyBytes), false)
  }

  const kindOf = (req: Request, route: Route, { isUpload }: BodyLimits): RequestKind => {
    if (route.sendsEvents) return 'stream'
    return route.sendsFile || (isUpload && hasBody(req)) ? 'file' : 'plain'
  }

  /** Tokens are never compressed, since the length of a compressed response reveals something about its content. */
  const mayCompress = ({ target }: RequestState, kind: RequestKind): boolean =>
    kind === 'plain' && !target.path.startsWith('/v1/auth/')

  /** Returns a promise only if the request has to wait. @throws Problem 429 */
  const takeTurn = (kind: RequestKind, key: string, res: Response): Promise<void> | undefined => {
    if (kind !== 'stream') return clientLimit.acquire(key, res)
    streamLimit.acquire(key, res)
    return undefined
  }

  /** Ends a stream when its token expires or is revoked. */
  const endWithToken = (res: Response, { token }: RequestState): void => {
    if (!token) return
    const end = () => void res.destroy()
    const unwatch = revocations.watch(token, end)
    const timer = setTimeout(end, Math.min(Math.max(token.expiresAt * 1000 - Date.now(), 0), maxTimerMs))
    res.once('close', () => {
      unwatch()
      clearTimeout(timer)
    })
  }

  return async (req, res) => {
    const state = stateOf(res)
    const { route, token, target } = state
    const upstream = route && upstreams.get(route.service)
    if (!upstream) throw new Error(`no upstream for ${route?.service}`)
    const limits = limitsOf(route, mediaTypeOf(req))
    const kind = kindOf(req, route, limits)
    if (kind === 'stream') endWithToken(res, state)
    const turn = takeTurn(kind, token?.actor.id ?? networksOf(state.address)[0], res)
    if (turn) {
      await turn
      if (res.destroyed) return
    }
    const body = requestBody(req, limits)
    const compressible = mayCompress(state, kind)
    const varyOn = compressible ? varyOnCoding : varyOnOrigin
    await upstream.send({
      method: req.method,
      path: `${target.path}${target.search}`,
      headers: requestHeaders(req, state),
      body,
      res,
      kind,
      stream: kind === 'stream' ? createForwardedStream(res) : undefined,
      acceptEncoding: compressible ? req.headers['accept-encoding'] : undefined,
      responseHeaders: (status, headers) => {
        keepAliveUntilRead(req, res)
        if (kind === 'stream' && status === 200) state.streamingSince = performance.now()
        const out = { ...securityHeaders, ...state.headers, ...filterResponseHeaders(headers) }
        out['vary'] = addVary(headers['vary'], varyOn)
        if (status === 304 && typeof out['etag'] === 'string')
          out['etag'] = notModifiedEtag(out['etag'], req.headers['if-none-match'])
        return out
      },
    })
    if (body) drainRequest(req)
  }
}
