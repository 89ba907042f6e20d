import type { Request, RequestHandler, Response } from 'express'
import type { Actor, Verifier } from '../auth/token-verifier.ts'
import type { Db } from '../data/db.ts'
import { currentContext } from '../runtime/context.ts'
import { Problem } from '../runtime/problem.ts'
import { authenticate } from './authentication.ts'
import { fingerprintOf, once } from './idempotency.ts'
import {
  idempotencyKey,
  ifMatchVersion,
  jsonReader,
  mediaType,
  parseBody,
  parseParameters,
  queryRecord,
} from './request-parsing.ts'
import { type Result, sendResult } from './response.ts'
import type { Handler, RequestContext, RouteDefinition, Upload } from './route-definition.ts'

/** A declared route with what serves it. */
export type Route = {
  definition: RouteDefinition
  handler: Handler
  beforeTransaction: Handler<RequestContext, unknown> | undefined
}

/** `checkResponses`: a response that does not fit its schema becomes a 500; for tests. */
export type RequestHandlerOptions = {
  verifier: Verifier
  db?: Db | undefined
  config: { maxBodyBytes: number; checkResponses?: boolean }
}

/** The body as it is validated, and what an idempotency fingerprint is made of. */
type ReceivedBody = { body: unknown; source: unknown }

const unknownParameters = (names: string[]): Problem =>
  new Problem('unknown_parameter', {
    detail: 'this route takes no query parameters',
    errors: names.map((parameter) => ({ parameter, code: 'unknown_parameter', message: 'is not known here' })),
  })

const readParameters = ({ params, query }: RouteDefinition, req: Request) => {
  const record = queryRecord(req.url)
  const names = Object.keys(record)
  const pathParameters = params && parseParameters(params, req.params)
  if (!query && names.length > 0) throw unknownParameters(names)
  return { params: pathParameters, query: query && parseParameters(query, record) }
}

const readKey = ({ method, idempotent }: RouteDefinition, req: Request): string | undefined =>
  method === 'post' && idempotent !== false ? idempotencyKey(req.headers['idempotency-key']) : undefined

const uploadFor = (uploads: Record<string, Upload<unknown>>, req: Request): Upload<unknown> | undefined => {
  const type = mediaType(req)
  return uploads[type] ?? uploads[type.replace(/\/.*/, '/*')]
}

const checkResponse = ({ operationId, responses }: RouteDefinition, { status, body, send }: Result): void => {
  if (send || status >= 400) return
  const schema = responses[status]
  if (schema === undefined) throw new Error(`${operationId} does not declare ${status}`)
  if (schema !== null) schema.parse(body)
}

/** Makes the Express handlers of declared routes. */
export const createRequestHandlers = ({ verifier, db, config }: RequestHandlerOptions) => {
  const readJson = jsonReader(config.maxBodyBytes)

  const readBody = async (
    { body: schema, uploads }: RouteDefinition,
    actor: Actor,
    req: Request,
    res: Response,
  ): Promise<ReceivedBody> => {
    const upload = uploads && uploadFor(uploads, req)
    if (upload) {
      const body = await upload.parse(req, actor)
      return { body, source: body }
    }
    if (!schema && !uploads) return { body: undefined, source: undefined }
    const json = await readJson(req, res)
    if (!schema)
      throw new Problem('unsupported_media_type', { detail: `send ${Object.keys(uploads ?? {}).join(' or ')}` })
    const body = parseBody(schema, json)
    return { body, source: json ?? body }
  }

  /** Runs a route's handler: with an `Idempotency-Key` once, in a transaction of the whole request. */
  const run = async (
    { definition, handler, beforeTransaction }: Route,
    context: RequestContext,
    key: string | undefined,
    source: unknown,
  ): Promise<Result> => {
    if (key === undefined || !db) return handler(context)
    await beforeTransaction?.(context)
    const { actor, req } = context
    const fingerprint = fingerprintOf(req.originalUrl, source ?? null)
    const request = { key, actorId: actor.id, operationId: definition.operationId, fingerprint }
    return once(db, request, () => handler(context))
  }

  return (route: Route): RequestHandler => {
    const { definition } = route
    return async (req, res) => {
      const current = currentContext()
      if (current) current.route = definition.path
      const actor = await authenticate(verifier, definition.roles, req)
      const parameters = readParameters(definition, req)
      const ifMatch = ifMatchVersion(req.headers['if-match'])
      const key = readKey(definition, req)
      const { body, source } = await readBody(definition, actor, req, res)
      const result = await run(route, { ...parameters, body, actor, ifMatch, req }, key, source)
      if (config.checkResponses) checkResponse(definition, result)
      await sendResult(req, res, result)
    }
  }
}
