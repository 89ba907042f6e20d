import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import helmet, { type HelmetOptions } from 'helmet'
import type { OutgoingHeaders } from '../request/header-rules.ts'

/** The headers that helmet sets. They depend on the options alone, so they are read once from a response that is never sent. */
const headersOf = (options: HelmetOptions): OutgoingHeaders => {
  const req = new IncomingMessage(new Socket())
  const res = new ServerResponse(req)
  helmet(options)(req, res, (error) => {
    if (error) throw error
  })
  return Object.fromEntries(Object.entries(res.getHeaders()).map(([name, value]) => [name, String(value)]))
}

const nothing = { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] }
const ownSources = {
  ...nothing,
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
}

type Directives = Record<string, string[]>
type CrossOrigin = Pick<HelmetOptions, 'crossOriginResourcePolicy' | 'crossOriginOpenerPolicy'>

/** Security headers by kind of response. Inline scripts and third-party sources are never allowed. */
export const createSecurityHeaders = ({ publicUrl, keycloakIssuer }: { publicUrl: string; keycloakIssuer: string }) => {
  const https = publicUrl.startsWith('https:')
  const options = (directives: Directives, crossOrigin: CrossOrigin = {}): HelmetOptions => ({
    contentSecurityPolicy: { useDefaults: false, directives },
    strictTransportSecurity: https && { maxAge: 31_536_000, includeSubDomains: true },
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
    ...crossOrigin,
  })
  const page = options(ownSources)
  // The API uses no cookies, and an <img> with a signed link may be on a page of another origin.
  const api = options(nothing, { crossOriginResourcePolicy: { policy: 'cross-origin' } })
  // The sign-in window must keep its reference to the page that opened it.
  const docs = options(
    { ...ownSources, connectSrc: ["'self'", new URL(keycloakIssuer).origin] },
    { crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' } },
  )
  const redirect = options(ownSources, { crossOriginOpenerPolicy: { policy: 'unsafe-none' } })
  return {
    /** For forwarded responses and errors, which are sent with a single `writeHead`. */
    headers: { api: headersOf(api), page: headersOf(page) },
    middleware: { page: helmet(page), docs: helmet(docs), redirect: helmet(redirect) },
  }
}
export type SecurityHeaders = ReturnType<typeof createSecurityHeaders>
