import { discardRest, holdForRest } from '@clientele/platform/http/early-response'
import { mediaType } from '@clientele/platform/http/request-parsing'
import { currentTraceparent } from '@clientele/platform/runtime/telemetry'
import type { Request, RequestHandler, Response } from 'express'
import { createClientLoad } from '../access/rate-limit.ts'
import type { AccessRevocations } from '../access/revocations.ts'
import type { GatewayConfig } from '../config.ts'
import { addressKey } from '../request/client-address.ts'
import { forwardable, type OutHeaders, returnable, varyOnOrigin } from '../request/header-rules.ts'
import { type RequestState, stateOf } from '../request/request-state.ts'
import { requestBody } from './request-body.ts'
import type { Route } from './route-index.ts'
import type { Upstream } from './upstream.ts'

type Parts = {
  config: GatewayConfig
  revocations: AccessRevocations
  upstreams: ReadonlyMap<string, Upstream>
  securityHeaders: OutHeaders
}

const maxTimerMs = 2_147_483_647

/** Forwards an admitted request to its service and the response back; bodies are streamed both ways. */
export const createProxy = ({ config, revocations, upstreams, securityHeaders }: Parts): RequestHandler => {
  const { protocol, host } = new URL(config.publicUrl)
  const publicProtocol = protocol.slice(0, -1)
  const clients = createClientLoad(config.maxInFlightPerClient)

  const requestHeaders = (req: Request, { requestId, traceparent, address, token }: RequestState): OutHeaders => {
    const headers = forwardable(req.headers)
    if (token) headers['authorization'] = req.headers.authorization ?? ''
    headers['x-request-id'] = requestId
    headers['traceparent'] = currentTraceparent() ?? traceparent
    headers['x-forwarded-for'] = address
    headers['x-forwarded-proto'] = publicProtocol
    headers['x-forwarded-host'] = host
    return headers
  }

  const limitsOf = (route: Route, type: string) => {
    const stallMs = config.clientStallMs
    if (route.files.has(type)) return { limit: config.maxFileBytes, stallMs, upload: true }
    if (route.uploads && !type.includes('json')) return { limit: config.maxUploadBytes, stallMs, upload: true }
    return { limit: config.maxBodyBytes, stallMs, upload: false }
  }

  /** Ends a stream when its token does: by expiry or by revocation. */
  const guardStream = (res: Response, { token }: RequestState): void => {
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
    if (!upstream) throw new Error(`no address for ${route?.service}`)
    const body = requestBody(req, limitsOf(route, mediaType(req)))
    const stream = req.method === 'GET' && (req.headers.accept ?? '').includes('text/event-stream')
    if (stream) guardStream(res, state)
    clients.enter(token?.actor.id ?? addressKey(state.address), res)
    await upstream.send({
      method: req.method,
      path: `${target.path}${target.search}`,
      headers: requestHeaders(req, state),
      body,
      res,
      stream,
      responseHeaders: (headers) => {
        holdForRest(req, res)
        const out = { ...securityHeaders, ...state.headers, ...returnable(headers) }
        out['vary'] = varyOnOrigin(headers['vary'])
        return out
      },
    })
    if (body) discardRest(req)
  }
}
