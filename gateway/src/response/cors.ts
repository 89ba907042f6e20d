import type { IncomingMessage, ServerResponse } from 'node:http'
import cors from 'cors'

const exposed = [
  'ETag',
  'Location',
  'X-Request-Id',
  'RateLimit',
  'RateLimit-Policy',
  'Idempotency-Replayed',
  'Retry-After',
  'Content-Disposition',
  'WWW-Authenticate',
]

const isPreflight = (req: IncomingMessage): boolean =>
  req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined

/**
 * CORS for the allow-list of origins; without credentials, since tokens travel in a header that scripts set.
 * Returns true when the request was a preflight and is answered.
 */
export const createCors = (origins: string[]) => {
  const apply = cors({
    origin: origins,
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
    allowedHeaders: [
      'Authorization',
      'Content-Type',
      'Accept',
      'If-Match',
      'If-None-Match',
      'Idempotency-Key',
      'X-Request-Id',
      'Last-Event-ID',
      'Range',
      'Traceparent',
    ],
    exposedHeaders: exposed,
    maxAge: 600,
  })
  return (req: IncomingMessage, res: ServerResponse): boolean => {
    const { origin } = req.headers
    if (origin === undefined) return false
    const preflight = isPreflight(req)
    // The package takes every OPTIONS for a preflight.
    if (req.method !== 'OPTIONS' || preflight) apply(req, res, () => {})
    return preflight
  }
}
