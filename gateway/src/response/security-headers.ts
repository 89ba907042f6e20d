import type { IncomingMessage, ServerResponse } from 'node:http'
import helmet, { type HelmetOptions } from 'helmet'
import type { OutHeaders } from '../request/header-rules.ts'

/** helmet's own type of options is a union of thousands, too large to build them in steps. */
type Options = Record<string, unknown>

const computed = (options: Options): OutHeaders => {
  const headers: OutHeaders = {}
  const collect = {
    setHeader: (name: string, value: string) => {
      headers[name.toLowerCase()] = value
    },
    removeHeader: () => {},
  }
  helmet(options as HelmetOptions)({} as IncomingMessage, collect as unknown as ServerResponse, (error) => {
    if (error) throw error
  })
  return headers
}

const nothing = { defaultSrc: ["'none'"], frameAncestors: ["'none'"], baseUri: ["'none'"], formAction: ["'none'"] }
const page = {
  ...nothing,
  scriptSrc: ["'self'"],
  styleSrc: ["'self'"],
  imgSrc: ["'self'", 'data:'],
  connectSrc: ["'self'"],
}

/** Security headers by kind of answer, computed once. Inline scripts and foreign sources are allowed nowhere. */
export const securityHeaders = ({ publicUrl, keycloakIssuer }: { publicUrl: string; keycloakIssuer: string }) => {
  const common: Options = {
    strictTransportSecurity: publicUrl.startsWith('https:') && { maxAge: 31_536_000, includeSubDomains: true },
    xFrameOptions: { action: 'deny' },
    referrerPolicy: { policy: 'no-referrer' },
  }
  const csp = (directives: Record<string, string[]>): Options => ({
    contentSecurityPolicy: { useDefaults: false, directives },
  })
  return {
    // No ambient credentials guard the API, and an <img> with a signed link may stand on another origin.
    api: computed({ ...common, ...csp(nothing), crossOriginResourcePolicy: { policy: 'cross-origin' } }),
    page: computed({ ...common, ...csp(page) }),
    docs: computed({
      ...common,
      ...csp({ ...page, connectSrc: ["'self'", new URL(keycloakIssuer).origin] }),
      // The sign-in window must find its way back to the page that opened it.
      crossOriginOpenerPolicy: { policy: 'same-origin-allow-popups' },
    }),
    redirect: computed({ ...common, ...csp(page), crossOriginOpenerPolicy: { policy: 'unsafe-none' } }),
  }
}
export type SecurityHeaders = ReturnType<typeof securityHeaders>
