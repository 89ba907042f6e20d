import express, { type Express, type Router } from 'express'
import type { z } from 'zod'
import type { Log } from '../runtime/log.ts'
import { Problem } from '../runtime/problem.ts'
import { notFoundHandler, problemHandler } from './error-response.ts'
import { type Examples, type OpenApiDocument, openApiDocument } from './openapi/document.ts'
import { createRequestHandlers, type RequestHandlerOptions, type Route } from './request-handler.ts'
import { requestContext } from './request-lifecycle.ts'
import type {
  DeclaredResult,
  Handler,
  Parsed,
  RequestContext,
  Responses,
  RouteDefinition,
  Schema,
} from './route-definition.ts'

export {
  accepted,
  created,
  matchesEtag,
  multiStatus,
  noContent,
  ok,
  type Result,
  redirect,
  streamed,
} from './response.ts'

/**
 * The context of a handler whose route has the schemas `P` (path parameters), `Q` (query) and `B` (body), and uploads that return
 * `U`.
 */
type ContextOf<P extends Schema, Q extends Schema, B extends Schema, U> = RequestContext<
  Parsed<P>,
  Parsed<Q>,
  B extends z.ZodType ? z.output<B> | U : U
>

export type Api = {
  /** Declares a route. The handler returns one of the declared responses or throws a Problem. */
  operation<
    R extends Responses,
    P extends Schema = undefined,
    Q extends Schema = undefined,
    B extends Schema = undefined,
    U = never,
  >(
    definition: RouteDefinition<P, Q, B, U, R>,
    handler: Handler<ContextOf<P, Q, B, U>, DeclaredResult<R>>,
    options?: {
      /** Runs before the idempotency transaction opens. Use it for slow calls to other services. It runs for replays too. */
      beforeTransaction?: Handler<ContextOf<P, Q, B, U>, unknown>
    },
  ): void
  /**
   * Creates a router with the declared routes, for your own Express app. Unknown paths and errors go to the next middleware, so
   * mount `requestContext` before the router, and `notFoundHandler` and `problemHandler` after it. Call it after the last
   * `operation`.
   */
  router(): Router
  /** Creates a complete Express app with these routes and middlewares. Call it after the last `operation`. */
  app(): Express
  /** Generates the OpenAPI document of the declared routes. */
  document(): OpenApiDocument
}

/** `examples` are those of the OpenAPI document. */
export type ApiOptions = RequestHandlerOptions & {
  service: string
  title: string
  version?: string
  examples?: Examples
  log: Log
}

const expressPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1')

// Express uses the first route that matches, so `/v1/users/me` must come before `/v1/users/{id}`.
const literalsFirst = (a: Route, b: Route): number => specificity(a).localeCompare(specificity(b))
const specificity = ({ definition }: Route): string =>
  definition.path
    .split('/')
    .map((segment) => (segment.startsWith('{') ? '1' : '0'))
    .join('')

const allowOf = (routes: Route[]): string => {
  const methods = routes.map(({ definition }) => definition.method.toUpperCase())
  return [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ')
}

/** Collects the routes of a service. A route without roles does not compile; one that is declared twice throws at startup. */
export const createApi = ({ service, title, version = '1', examples = {}, log, ...options }: ApiOptions): Api => {
  const routes: Route[] = []
  const handlerOf = createRequestHandlers(options)

  const createRouter = (): Router => {
    const router = express.Router({ caseSensitive: true })
    const byPath = Map.groupBy(routes.toSorted(literalsFirst), ({ definition }) => definition.path)
    for (const [path, declared] of byPath) {
      const route = router.route(expressPath(path))
      for (const each of declared) route[each.definition.method](handlerOf(each))
    }
    // After all routes, because a more general path may have the method that this path lacks.
    for (const [path, declared] of byPath) {
      const allow = allowOf(declared)
      router.all(expressPath(path), () => {
        throw new Problem('method_not_allowed', { detail: `allowed methods: ${allow}`, headers: { Allow: allow } })
      })
    }
    return router
  }

  return {
    operation: (definition, handler, { beforeTransaction } = {}) => {
      const { method, path, operationId, roles } = definition
      const duplicate = routes.some(({ definition: other }) => other.method === method && other.path === path)
      if (duplicate || !roles) throw new Error(`${operationId} is declared twice or without roles`)
      routes.push({ definition, handler, beforeTransaction } as Route)
    },
    router: createRouter,
    app: () => {
      const app = express()
      app.disable('x-powered-by')
      // Responses set their own ETags, and the declared schemas parse query strings.
      app.disable('etag')
      app.set('query parser', false)
      app.use(requestContext(log))
      app.use(createRouter())
      app.use(notFoundHandler)
      app.use(problemHandler)
      return app
    },
    document: () =>
      openApiDocument(
        { title, service, version, examples },
        routes.map(({ definition }) => definition),
      ),
  }
}
