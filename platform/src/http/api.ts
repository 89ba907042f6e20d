import express, { type Express, type Router } from 'express'
import type { z } from 'zod'
import type { Log } from '../runtime/log.ts'
import { Problem } from '../runtime/problem.ts'
import { notFoundHandler, problemHandler } from './error-response.ts'
import { type OpenApiDocument, openApiDocument } from './openapi.ts'
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

/** What the handler of a route with these schemas gets. */
type ContextOf<P extends Schema, Q extends Schema, B extends Schema, U> = RequestContext<
  Parsed<P>,
  Parsed<Q>,
  B extends z.ZodType ? z.output<B> | U : U
>

export type Api = {
  /** Declares a route. The handler returns one of the declared responses and throws a Problem for anything else. */
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
      /**
       * Runs before the idempotency transaction opens. Use it for slow calls to other services. It runs for replays too.
       */
      beforeTransaction?: Handler<ContextOf<P, Q, B, U>, unknown>
    },
  ): void
  /**
   * The declared routes, for an Express app of your own: unknown addresses and errors go on to the next middleware, so mount
   * `requestContext` before it, and `notFoundHandler` and `problemHandler` after it. Call it after the last `operation`.
   */
  router(): Router
  /** The finished app with all of that. Call it after the last `operation`. */
  app(): Express
  document(): OpenApiDocument
}

export type ApiOptions = RequestHandlerOptions & { service: string; title: string; version?: string; log: Log }

const expressPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1')

// Express takes the first route that matches: `/v1/users/me` has to come before `/v1/users/{id}`.
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

/** Collects a service's operations. A route without declared roles does not compile, and one declared twice does not start. */
export const createApi = ({ service, title, version = '1', log, ...options }: ApiOptions): Api => {
  const routes: Route[] = []
  const handlerOf = createRequestHandlers(options)

  const createRouter = (): Router => {
    const router = express.Router({ caseSensitive: true })
    const byPath = Map.groupBy(routes.toSorted(literalsFirst), ({ definition }) => definition.path)
    for (const [path, declared] of byPath) {
      const route = router.route(expressPath(path))
      for (const each of declared) route[each.definition.method](handlerOf(each))
    }
    // Behind all routes: a method that this path lacks may be answered by a more general one.
    for (const [path, declared] of byPath) {
      const allow = allowOf(declared)
      router.all(expressPath(path), () => {
        throw new Problem('method_not_allowed', { detail: `this address knows ${allow}`, headers: { Allow: allow } })
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
      // Responses bring ETags of their own, and query strings are read by the declared schemas.
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
        { title, service, version },
        routes.map(({ definition }) => definition),
      ),
  }
}
