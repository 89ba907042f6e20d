import type { RequestListener } from 'node:http'
import type { Log } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import express, { type Request, type RequestHandler, type Response, type Router } from 'express'
import { createAddressLimit } from './access/address-limit.ts'
import type { RateLimits } from './access/rate-limit.ts'
import type { GatewayConfig } from './config.ts'
import { checkHost } from './request/check-host.ts'
import { checkTarget } from './request/check-target.ts'
import type { RequestTracker } from './request/request-tracker.ts'
import { createCors } from './response/cors.ts'
import { notFound } from './response/error-handler.ts'
import { createPageCompression } from './response/page-compression.ts'
import { allowGetOnly } from './site/site.ts'

type Deps = {
  config: Pick<GatewayConfig, 'publicUrl' | 'allowedHosts' | 'corsOrigins' | 'frontEndOrigins' | 'trustedProxies'>
  log: Log
  /** Runs first, for `/v1` and pages alike. */
  middleware: RequestHandler[]
  tracker: RequestTracker
  limits: RateLimits
  admission: RequestHandler
  proxy: RequestHandler
  installationConfig: RequestHandler
  site: Router
  errorHandler: express.ErrorRequestHandler
}

/** Creates the gateway's Express app. A request passes the middlewares in the order of the `use` calls. */
export const createExpressApp = (deps: Deps): RequestListener => {
  const { config, log, middleware, tracker, limits, admission, proxy, installationConfig, site, errorHandler } = deps
  const app = express()
  app.disable('x-powered-by')
  // The gateway does not read req.query; services parse their own queries.
  app.set('query parser', false)
  // For middlewares that read req.ip.
  app.set('trust proxy', config.trustedProxies)
  // `/V1` is not the API.
  app.enable('case sensitive routing')

  if (middleware.length > 0) app.use(middleware)
  app.use(tracker.middleware)
  app.use(checkTarget)
  app.use(checkHost(config))
  app.use(createCors([...config.corsOrigins, ...config.frontEndOrigins]))
  app.use(createAddressLimit(limits))
  app.all('/v1/config', allowGetOnly, installationConfig)
  app.use('/v1', admission, proxy)
  app.use(createPageCompression())
  app.use(site)
  app.use(notFound)
  app.use(errorHandler)

  return (req, res) => {
    // For a target that its router cannot parse, such as `http://[`, Express calls this without running any middleware.
    const onUnhandled = (error?: unknown): void => {
      if (error) {
        log.error({ err: error }, 'the error handler failed')
        res.destroy()
      } else {
        const problem = new Problem('malformed', { detail: 'the request target cannot be parsed' })
        void errorHandler(problem, req as Request, res as Response, onUnhandled)
      }
    }
    app(req as Request, res as Response, onUnhandled)
  }
}
