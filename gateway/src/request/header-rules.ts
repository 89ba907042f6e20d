import type { IncomingHttpHeaders } from 'node:http'
import { LruMap } from 'toad-cache'

/** Headers as they go out: lower-case names. */
export type OutHeaders = Record<string, string | string[]>

const hopByHop = new Set([
  'connection',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'http2-settings',
])
/** Of no use to a service, or ours to write. */
const neverForwarded = new Set([
  'host',
  'expect',
  'cookie',
  'cookie2',
  'authorization',
  'forwarded',
  'via',
  'x-request-id',
  'traceparent',
  'tracestate',
  'x-real-ip',
  'x-client-ip',
  'x-cluster-client-ip',
  'true-client-ip',
  'cf-connecting-ip',
  'fastly-client-ip',
  'x-original-url',
  'x-rewrite-url',
  'x-original-host',
  'x-host',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'remote-user',
])
/** Headers in which other set-ups pass on who somebody is; names with `_` can be read as the ones with `-`. */
const identityLike =
  /^x-(?:forwarded|user|auth|authenticated|remote|actor|role|roles|clientele|client-cert|internal|envoy|amzn)(?:-|$)|_/
const neverReturned =
  /^(?:server|x-powered-by|x-request-id|set-cookie2?|alt-svc|via|access-control-.*|ratelimit.*|strict-transport-security)$/

/** Remembers decisions about header names, a bounded number of them, since clients may send any name. */
const cached = (decide: (name: string) => boolean) => {
  const decisions = new LruMap<boolean>(1_000)
  return (name: string): boolean => {
    const known = decisions.get(name)
    if (known !== undefined) return known
    const decision = decide(name)
    decisions.set(name, decision)
    return decision
  }
}
const isForwardable = cached((name) => !(hopByHop.has(name) || neverForwarded.has(name) || identityLike.test(name)))
const isReturnable = cached((name) => !(hopByHop.has(name) || neverReturned.test(name)))

const namedIn = (connection: string | undefined): Set<string> | undefined =>
  connection === undefined || connection === 'keep-alive' || connection === 'close'
    ? undefined
    : new Set(connection.split(',').map((name) => name.trim().toLowerCase()))

/** The client's headers that a service may see; the rest is written by the gateway. */
export const forwardable = (headers: IncomingHttpHeaders): OutHeaders => {
  const named = namedIn(headers.connection)
  const out: OutHeaders = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && isForwardable(name) && !named?.has(name)) out[name] = value
  }
  return out
}

/** A service's headers that a client may see. */
export const returnable = (headers: IncomingHttpHeaders): OutHeaders => {
  const named = namedIn(headers.connection)
  const out: OutHeaders = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && isReturnable(name) && !named?.has(name)) out[name] = value
  }
  return out
}

/** `Vary` with `Origin` in it: the answer depends on it through CORS. */
export const varyOnOrigin = (vary: string | string[] | undefined): string => {
  const text = Array.isArray(vary) ? vary.join(', ') : (vary ?? '')
  if (text === '') return 'Origin'
  return /(?:^|,)\s*(?:\*|origin)\s*(?:,|$)/i.test(text) ? text : `${text}, Origin`
}
