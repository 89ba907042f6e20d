import type { IncomingMessage } from 'node:http'
import cors from 'cors'
import type { RequestHandler } from 'express'

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
  'X-Row-Count',
  'Repr-Digest',
  'Accept-Ranges',
  'Content-Range',
]

const isPreflight = (req: IncomingMessage): boolean =>
  req.method === 'OPTIONS' && req.headers['access-control-request-method'] !== undefined

/** CORS for the allowed origins. Credentials are off, since scripts send tokens in a header. */
export const createCors = (origins: string[]): RequestHandler => {
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
      // Set by the browser SDKs of OpenTelemetry and Sentry, and by HTTP libraries.
      'Tracestate',
      'Baggage',
      'Sentry-Trace',
      'X-Requested-With',
    ],
    exposedHeaders: exposed,
    maxAge: 600,
  })
  return (req, res, next) => {
    // The `cors` package treats every OPTIONS request as a preflight.
    const applies = req.headers.origin !== undefined && (req.method !== 'OPTIONS' || isPreflight(req))
    if (applies) apply(req, res, next)
    else next()
  }
}
