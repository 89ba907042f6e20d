import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http'
import express, { type Request } from 'express'
import type { z } from 'zod'
import { type Actor, bearerToken, isAdmin, type Verifier } from '../auth/token-verifier.ts'
import type { Db } from '../data/db.ts'
import { currentContext } from '../runtime/context.ts'
import type { Log } from '../runtime/log.ts'
import { Problem } from '../runtime/problem.ts'
import type { Access, Declaration, Parsed, Schema, Upload } from './declaration.ts'
import { answerFault, notFoundHandler, problemHandler } from './error-response.ts'
import { fingerprintOf, once } from './idempotency.ts'
import { type OpenApiDocument, openApiDocument } from './openapi.ts'
import { createEntrance, requestContext } from './request-lifecycle.ts'
import { ifMatchVersion, jsonReader, mediaType, parseBody, parseParameters, queryRecord } from './request-parsing.ts'
import { type Result, sendResult } from './response.ts'
import { createRouteTable } from './router.ts'

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

/** What a handler gets; `ifMatch` is the version that `If-Match` names. */
export type Call<P, Q, B> = {
  params: P
  query: Q
  body: B
  actor: Actor
  ifMatch: number | undefined
  req: IncomingMessage
}

type Handling<P extends Schema, Q extends Schema, B extends Schema, U, R> = (
  call: Call<Parsed<P>, Parsed<Q>, B extends z.ZodType ? z.output<B> | U : U>,
) => Promise<R>

export type Api = {
  operation<P extends Schema = undefined, Q extends Schema = undefined, B extends Schema = undefined, U = never>(
    declaration: Declaration<P, Q, B, U>,
    handler: Handling<P, Q, B, U, Result>,
    options?: {
      /**
       * Runs before the transaction of a request with an `Idempotency-Key` opens, and is no part of it: for questions to others,
       * which may take long. Also where the request turns out to be a repeated one.
       */
      beforeTransaction?: Handling<P, Q, B, U, unknown>
    },
  ): void
  /** The finished app; call after the last `operation`. */
  app(): RequestListener
  document(): OpenApiDocument
}

export type ApiOptions = {
  service: string
  title: string
  version?: string
  verifier: Verifier
  log: Log
  db?: Db
  config: { maxBodyBytes: number; checkResponses?: boolean }
}

const anonymous: Actor = { id: 'anonymous', displayName: 'anonymous', roles: [], token: '' }

const authenticate = async (verifier: Verifier, roles: Access, req: IncomingMessage): Promise<Actor> => {
  const { authorization } = req.headers
  if (roles === 'public' || (roles === 'optional' && authorization === undefined)) return anonymous
  const { actor } = await verifier.verify(bearerToken(authorization))
  const role = roles === 'optional' ? 'user' : roles[0]
  if (!actor.roles.includes(role) && !isAdmin(actor))
    throw new Problem('forbidden', { detail: `this needs the role ${role}` })
  return actor
}

const uploadFor = <U>(uploads: Record<string, Upload<U>> = {}, req: IncomingMessage): Upload<U> | undefined => {
  const type = mediaType(req)
  return uploads[type] ?? uploads[type.replace(/\/.*/, '/*')]
}

const idempotencyKey = (req: IncomingMessage): string | undefined => {
  const key = req.headers['idempotency-key']
  if (key === undefined) return undefined
  if (typeof key === 'string' && /^[\x21-\x7e]{1,255}$/.test(key)) return key
  throw new Problem('invalid_parameter', {
    detail: 'Idempotency-Key must have 1 to 255 visible ASCII characters',
    errors: [{ parameter: 'Idempotency-Key', code: 'invalid', message: 'must have 1 to 255 visible ASCII characters' }],
  })
}

type Handler<R = Result> = (call: Call<unknown, unknown, unknown>) => Promise<R>
type Route = { declaration: Declaration; handler: Handler; beforeTransaction?: Handler<unknown> | undefined }

const expressPath = (path: string): string => path.replace(/\{(\w+)\}/g, ':$1')

/** Collects a service's operations. A route without declared roles does not compile, and one declared twice does not start. */
export const createApi = ({ service, title, version = '1', verifier, log, db, config }: ApiOptions): Api => {
  const declarations: Declaration[] = []
  const router = express.Router({ caseSensitive: true })
  const table = createRouteTable<Route>()
  const readJson = jsonReader(config.maxBodyBytes)

  const checkResponse = ({ operationId, responses }: Declaration, result: Result): void => {
    if (!config.checkResponses || result.send || result.status >= 400) return
    const schema = responses[result.status]
    if (schema === undefined) throw new Error(`${operationId} does not declare ${result.status}`)
    if (schema !== null) schema.parse(result.body)
  }

  const answer = async (
    { declaration, handler, beforeTransaction }: Route,
    pathParams: Record<string, unknown>,
    req: IncomingMessage,
    res: ServerResponse,
  ) => {
    const { url = '/' } = req
    const actor = await authenticate(verifier, declaration.roles, req)
    const record = queryRecord(url)
    const { params: paramsSchema, query: querySchema, body: bodySchema, operationId } = declaration
    const params = paramsSchema && parseParameters(paramsSchema, pathParams)
    if (!querySchema && Object.keys(record).length > 0)
      throw new Problem('unknown_parameter', {
        detail: 'this route takes no query parameters',
        errors: Object.keys(record).map((parameter) => ({
          parameter,
          code: 'unknown_parameter',
          message: 'is not known here',
        })),
      })
    const query = querySchema && parseParameters(querySchema, record)
    const ifMatch = ifMatchVersion(req.headers['if-match'])
    const key = declaration.method === 'post' && declaration.idempotent !== false ? idempotencyKey(req) : undefined

    const upload = uploadFor(declaration.uploads, req)
    const json = upload || (!bodySchema && !declaration.uploads) ? undefined : await readJson(req, res)
    if (!upload && !bodySchema && declaration.uploads)
      throw new Problem('unsupported_media_type', { detail: `send ${Object.keys(declaration.uploads).join(' or ')}` })
    const body = upload ? await upload.parse(req as Request, actor) : bodySchema && parseBody(bodySchema, json)

    const call = { params, query, body, actor, ifMatch, req }
    const work = () => handler(call)
    if (key !== undefined && db) await beforeTransaction?.(call)
    const fingerprint = () => fingerprintOf(url, json ?? body ?? null)
    const result =
      key !== undefined && db
        ? await once(db, { key, actorId: actor.id, operationId, fingerprint: fingerprint() }, work)
        : await work()
    checkResponse(declaration, result)
    await sendResult(req, res, result)
  }

  // What is declared and takes JSON or nothing is answered here, at half the cost; the rest is left to Express: forms and
  // images, HEAD, and addresses and methods that nobody declared.
  const inFrontOf = (app: RequestListener): RequestListener => {
    const enter = createEntrance(log)
    return (req, res) => {
      const found = table.match(req.method ?? '', req.url ?? '/')
      if (!found || uploadFor(found.route.declaration.uploads, req)) return app(req, res)
      const { route, params } = found
      enter(req, res, route.declaration.path, () => {
        answer(route, params, req, res).catch((error: unknown) => answerFault(error, req, res))
      })
    }
  }

  return {
    operation: (declaration, handler, { beforeTransaction } = {}) => {
      const twin = declarations.some(({ method, path }) => method === declaration.method && path === declaration.path)
      if (twin || !declaration.roles) throw new Error(`${declaration.operationId} is declared twice or without roles`)
      declarations.push(declaration as Declaration)
      const route: Route = {
        declaration: declaration as Declaration,
        handler: handler as Handler,
        beforeTransaction: beforeTransaction as Handler<unknown> | undefined,
      }
      table.add(declaration.method.toUpperCase(), declaration.path, route)
      router[declaration.method](expressPath(declaration.path), (req, res) => {
        const context = currentContext()
        if (context) context.route = declaration.path
        return answer(route, req.params, req, res)
      })
    },
    app: () => {
      for (const path of new Set(declarations.map((declaration) => declaration.path))) {
        const methods = declarations
          .filter((declaration) => declaration.path === path)
          .map(({ method }) => method.toUpperCase())
        const allow = [...methods, ...(methods.includes('GET') ? ['HEAD'] : [])].join(', ')
        router.all(expressPath(path), () => {
          throw new Problem('method_not_allowed', { detail: `this address knows ${allow}`, headers: { Allow: allow } })
        })
      }
      const app = express()
      app.disable('x-powered-by')
      app.disable('etag')
      app.set('query parser', false)
      app.use(requestContext(log))
      app.use(router)
      app.use(notFoundHandler)
      app.use(problemHandler)
      return inFrontOf(app)
    },
    document: () => openApiDocument({ title, service, version }, declarations),
  }
}
