import type { RequestListener } from 'node:http'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import { createAddressLimit } from './access/address-limit.ts'
import type { RateLimits } from './access/rate-limit.ts'
import { checkTarget } from './request/check-target.ts'
import type { RequestTracker } from './request/request-tracker.ts'
import { createCors } from './response/cors.ts'
import { notFound } from './response/error-handler.ts'

type Parts = {
  config: { corsOrigins: string[]; trustedProxies: number }
  log: Log
  /** Run in front of everything, for `/v1` and pages alike. */
  middleware: RequestHandler[]
  tracker: RequestTracker
  limits: RateLimits
  admission: RequestHandler
  proxy: RequestHandler
  site: Router
  errorHandler: express.ErrorRequestHandler
}

/** The gateway as one Express app. A request passes the middlewares in the order in which they stand here. */
export const createExpressApp = (parts: Parts): RequestListener => {
  const { config, log, middleware, tracker, limits, admission, proxy, site, errorHandler } = parts
  const app = express()
  app.disable('x-powered-by')
  // Nothing here reads req.query; services parse their own queries.
  app.set('query parser', false)
  // For middlewares that use req.ip.
  app.set('trust proxy', config.trustedProxies)
  // `/V1` is not the API.
  app.enable('case sensitive routing')

  if (middleware.length > 0) app.use(middleware)
  app.use(tracker.middleware)
  app.use(checkTarget)
  app.use(createCors(config.corsOrigins))
  app.use(createAddressLimit(limits))
  app.use('/v1', admission, proxy)
  app.use(site)
  app.use(notFound)
  app.use(errorHandler)

  return (req, res) => {
    // Express calls this for a target that its router cannot parse, such as `http://[`, without running a middleware.
    const refuse = (error?: unknown): void => {
      if (error) {
        log.error({ err: error }, 'the error handler failed')
        res.destroy()
      } else {
        const problem = new Problem('malformed', { detail: 'the request target cannot be parsed' })
        void errorHandler(problem, req as Request, res as Response, refuse)
      }
    }
    app(req as Request, res as Response, refuse)
  }
}
