import type { IncomingHttpHeaders } from 'node:http'
import { LruMap } from 'toad-cache'

/** Headers to send, with lower-case names. */
export type OutgoingHeaders = Record<string, string | string[]>

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
/** Headers that services do not need, or that the gateway sets itself. */
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
/** Headers that other proxies use to assert an identity. Names with `_` are dropped, since some servers read `_` as `-`. */
const identityHeaders =
  /^x-(?:forwarded|user|auth|authenticated|remote|actor|role|roles|clientele|client-cert|internal|envoy|amzn)(?:-|$)|_/
const neverReturned =
  /^(?:server|x-powered-by|x-request-id|set-cookie2?|alt-svc|via|access-control-.*|ratelimit.*|strict-transport-security)$/

/** Caches decisions about header names. The cache is bounded, since clients may send any name. */
const cached = (decide: (name: string) => boolean) => {
  const decisions = new LruMap<boolean>(1_000)
  return (name: string): boolean => {
    const cachedDecision = decisions.get(name)
    if (cachedDecision !== undefined) return cachedDecision
    const decision = decide(name)
    decisions.set(name, decision)
    return decision
  }
}
const isForwardable = cached((name) => !(hopByHop.has(name) || neverForwarded.has(name) || identityHeaders.test(name)))
const isReturnable = cached((name) => !(hopByHop.has(name) || neverReturned.test(name)))

const connectionOptions = (connection: string | undefined): Set<string> | undefined =>
  connection === undefined || connection === 'keep-alive' || connection === 'close'
    ? undefined
    : new Set(connection.split(',').map((name) => name.trim().toLowerCase()))

/** The headers that are allowed. Those that `Connection` names are for the next hop only. */
const filterHeaders = (headers: IncomingHttpHeaders, isAllowed: (name: string) => boolean): OutgoingHeaders => {
  const named = connectionOptions(headers.connection)
  const out: OutgoingHeaders = {}
  for (const name in headers) {
    const value = headers[name]
    if (value !== undefined && isAllowed(name) && !named?.has(name)) out[name] = value
  }
  return out
}

/** The client's headers that are forwarded to the service. The gateway adds its own. */
export const filterRequestHeaders = (headers: IncomingHttpHeaders): OutgoingHeaders =>
  filterHeaders(headers, isForwardable)

/** The service's headers that are forwarded to the client. */
export const filterResponseHeaders = (headers: IncomingHttpHeaders): OutgoingHeaders =>
  filterHeaders(headers, isReturnable)

/** Adds names of headers that a response depends on to its `Vary`. */
export const addVary = (vary: string | string[] | undefined, names: string[]): string => {
  const text = Array.isArray(vary) ? vary.join(', ') : (vary ?? '')
  if (text === '') return names.join(', ')
  const present = new Set(text.toLowerCase().split(/[\s,]+/))
  if (present.has('*')) return text
  return [text, ...names.filter((name) => !present.has(name.toLowerCase()))].join(', ')
}
