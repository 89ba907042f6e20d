import { bearerToken, type VerifiedToken, type Verifier } from '@clientele/platform/auth/token-verifier'
import { discardRest, holdForRest } from '@clientele/platform/http/early-response'
import { mediaType } from '@clientele/platform/http/request-parsing'
import { Problem } from '@clientele/platform/runtime/problem'
import { currentTraceparent } from '@clientele/platform/runtime/telemetry'
import { createClientLoad, type RateLimits } from '../access/rate-limit.ts'
import type { AccessRevocations } from '../access/revocations.ts'
import type { GatewayConfig } from '../config.ts'
import { addressKey } from '../request/client-address.ts'
import { forwardable, type OutHeaders, returnable, varyOnOrigin } from '../request/header-rules.ts'
import type { Exchange } from '../request/request-state.ts'
import type { Target } from '../request/request-target.ts'
import type { SecurityHeaders } from '../response/security-headers.ts'
import { bodyOf } from './request-body.ts'
import type { Route, RouteIndex } from './route-index.ts'
import type { Upstream } from './upstream.ts'

export type ApiParts = {
  config: GatewayConfig
  verifier: Verifier
  revocations: AccessRevocations
  limits: RateLimits
  routes: RouteIndex
  upstreams: ReadonlyMap<string, Upstream>
  security: SecurityHeaders
}

const maxTimerMs = 2_147_483_647

/** `/v1`: who may pass, how often, how much; then on to the service. Express has no part in it. */
export const createApi = ({ config, verifier, revocations, limits, routes, upstreams, security }: ApiParts) => {
  const { protocol, host } = new URL(config.publicUrl)
  const publicProtocol = protocol.slice(0, -1)
  const clients = createClientLoad(config.maxInFlightPerClient)

  const pass = (exchange: Exchange, verified: VerifiedToken): VerifiedToken => {
    revocations.check(verified)
    limits.user.consume(verified.actor.id, exchange.headers)
    return verified
  }

  const signedIn = (exchange: Exchange): VerifiedToken | Promise<VerifiedToken> => {
    const { authorization } = exchange.req.headers
    const known = verifier.known(authorization)
    if (known) return pass(exchange, known)
    return verifier.verify(bearerToken(authorization)).then((verified) => pass(exchange, verified))
  }

  const admit = (exchange: Exchange, route: Route): VerifiedToken | Promise<VerifiedToken> | undefined => {
    const anonymous = route.access === 'optional' && exchange.req.headers.authorization === undefined
    return route.access === 'public' || anonymous ? undefined : signedIn(exchange)
  }

  const limitByAddress = (exchange: Exchange, segments: string[]): void => {
    const key = addressKey(exchange.address)
    limits.address.consume(key, exchange.headers)
    if (segments[1] === 'auth' && exchange.req.method === 'POST') limits.auth.consume(key, exchange.headers)
  }

  const findRoute = async (
    exchange: Exchange,
    target: Target,
  ): Promise<{ route: Route; token: VerifiedToken | undefined }> => {
    const found = routes(exchange.req.method ?? '', target.path)
    if (found && 'route' in found) {
      exchange.route = found.route.template
      return { route: found.route, token: await admit(exchange, found.route) }
    }
    if (!found?.public) await signedIn(exchange)
    if (!found) throw new Problem('not_found', { detail: 'there is no such address' })
    const allow = found.allow.join(', ')
    throw new Problem('method_not_allowed', { detail: `this address knows ${allow}`, headers: { Allow: allow } })
  }

  const requestHeaders = (
    { req, requestId, traceparent, address }: Exchange,
    token: VerifiedToken | undefined,
  ): OutHeaders => {
    const headers = forwardable(req.headers)
    if (token) headers['authorization'] = req.headers.authorization ?? ''
    headers['x-request-id'] = requestId
    headers['traceparent'] = currentTraceparent() ?? traceparent
    headers['x-forwarded-for'] = address
    headers['x-forwarded-proto'] = publicProtocol
    headers['x-forwarded-host'] = host
    return headers
  }

  /** Ends a stream when its token does: by expiry or by revocation. */
  const guardStream = ({ res }: Exchange, token: VerifiedToken | undefined): void => {
    if (!token) return
    const end = () => void res.destroy()
    const unwatch = revocations.watch(token, end)
    const timer = setTimeout(end, Math.min(Math.max(token.expiresAt * 1000 - Date.now(), 0), maxTimerMs))
    res.once('close', () => {
      unwatch()
      clearTimeout(timer)
    })
  }

  return async (exchange: Exchange, target: Target): Promise<void> => {
    const { req, res } = exchange
    limitByAddress(exchange, target.segments)
    const { route, token } = await findRoute(exchange, target)
    const upstream = upstreams.get(route.service)
    if (!upstream) throw new Error(`no address for ${route.service}`)
    const file = route.files.has(mediaType(req))
    const upload = file || (route.uploads && !mediaType(req).includes('json'))
    const limit = file ? config.maxFileBytes : upload ? config.maxUploadBytes : config.maxBodyBytes
    const body = bodyOf(req, { limit, stallMs: config.clientStallMs, upload })
    const stream = req.method === 'GET' && (req.headers.accept ?? '').includes('text/event-stream')
    if (stream) guardStream(exchange, token)
    clients.enter(token?.actor.id ?? addressKey(exchange.address), res)
    await upstream.send({
      method: req.method ?? 'GET',
      path: `${target.path}${target.search}`,
      headers: requestHeaders(exchange, token),
      body,
      res,
      stream,
      answerHeaders: (headers) => {
        holdForRest(req, res)
        const out = { ...security.api, ...exchange.headers, ...returnable(headers) }
        out['vary'] = varyOnOrigin(headers['vary'])
        return out
      },
    })
    if (body) discardRest(req)
  }
}
export type ApiHandler = ReturnType<typeof createApi>
