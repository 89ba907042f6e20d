import { IncomingMessage, ServerResponse } from 'node:http'
import { Socket } from 'node:net'
import helmet, { type HelmetOptions } from 'helmet'
import type { OutHeaders } from '../request/header-rules.ts'

/** What helmet sets: it depends on the options alone, so one response that is never sent shows it for all. */
const headersOf = (options: HelmetOptions): OutHeaders => {
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

/** Security headers by kind of response. Inline scripts and foreign sources are allowed nowhere. */
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
  // No ambient credentials guard the API, and an <img> with a signed link may stand on another origin.
  const api = options(nothing, { crossOriginResourcePolicy: { policy: 'cross-origin' } })
  // The sign-in window must find its way back to the page that opened it.
  const docs = options(
    { ...ownSources, connectSrc: ["'self'", new URL(keycloakIssuer).origin] },
    { crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' } },
  )
  const redirect = options(ownSources, { crossOriginOpenerPolicy: { policy: 'unsafe-none' } })
  return {
    /** For proxied responses and errors, which are written by a single `writeHead`. */
    headers: { api: headersOf(api), page: headersOf(page) },
    middleware: { page: helmet(page), docs: helmet(docs), redirect: helmet(redirect) },
  }
}
export type SecurityHeaders = ReturnType<typeof createSecurityHeaders>
