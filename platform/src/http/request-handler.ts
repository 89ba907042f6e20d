import type { Request, RequestHandler, Response } from 'express'
import type { Actor, TokenVerifier } from '../auth/token-verifier.ts'
import type { Db } from '../data/db.ts'
import { currentContext } from '../runtime/context.ts'
import { Problem } from '../runtime/problem.ts'
import { authenticate } from './authentication.ts'
import { assertAcceptsEvents } from './event-stream.ts'
import { fingerprintOf, runIdempotent } from './idempotency.ts'
import { type IfMatch, mustNotExist, noVersion, parseIfMatch } from './if-match.ts'
import { createReadBack } from './read-back.ts'
import { checkSignIn, type FindSignIn, needsRecentSignIn } from './recent-sign-in.ts'
import {
  jsonBytesOf,
  jsonReader,
  mediaTypeOf,
  parseBody,
  parseIdempotencyKey,
  parseParameters,
  parseQueryString,
  unsupportedType,
} from './request-parsing.ts'
import { type Result, rowsOf, sendResult } from './response.ts'
import {
  defaultMaxBodyBytes,
  type Handler,
  type RequestContext,
  type RouteDefinition,
  takesIdempotencyKey,
  type Upload,
} from './route-definition.ts'
import { createWorkBudget, type WorkLimits } from './work-budget.ts'

/** A declared route with its handler. */
export type Route = {
  definition: RouteDefinition
  handler: Handler
  beforeTransaction: Handler<RequestContext, unknown> | undefined
}

/**
 * `checkResponses` turns a response that does not match its schema into a 500. It is meant for tests. `findSignIn` is for tokens
 * that do not say when their user signed in.
 */
export type RequestHandlerOptions = {
  verifier: TokenVerifier
  findSignIn?: FindSignIn | undefined
  db?: Db | undefined
  config: { maxBodyBytes: number; checkResponses?: boolean } & WorkLimits
}

/** Smaller responses count for the rate limits only. */
const minKeptBytes = 4_096

/** `body` is validated. `source` goes into the idempotency fingerprint: the JSON as it was sent, or the parsed upload. */
type ReceivedBody = { body: unknown; source: unknown }

type BodyReaders = { readJson: ReturnType<typeof jsonReader>; readBack: ReturnType<typeof createReadBack> }
type BodyContext = Omit<RequestContext, 'body'> & { res: Response }

const unknownParameters = (names: string[]): Problem =>
  new Problem('unknown_parameter', {
    detail: 'this operation takes no query parameters',
    errors: names
      .slice(0, 100)
      .map((parameter) => ({ parameter, code: 'unknown_parameter', message: 'is not a known parameter' })),
  })

const readParameters = ({ params, query, stream }: RouteDefinition, req: Request) => {
  if (stream) assertAcceptsEvents(req)
  const record = parseQueryString(req.url)
  const names = Object.keys(record)
  const pathParameters = params && parseParameters(params, req.params)
  if (!query && names.length > 0) throw unknownParameters(names)
  return { params: pathParameters, query: query && parseParameters(query, record) }
}

const readIdempotencyKey = (route: RouteDefinition, req: Request): string | undefined =>
  takesIdempotencyKey(route) ? parseIdempotencyKey(req.headers['idempotency-key']) : undefined

/** `If-None-Match: *` of a PUT is a version that no resource has: one that exists is a 412, and another one may be created. */
const readIfMatch = ({ method, body, uploads }: RouteDefinition, req: Request): IfMatch => {
  const ifMatch = parseIfMatch(req.headers['if-match'])
  return method === 'put' && (body ?? uploads) && mustNotExist(req) ? noVersion : ifMatch
}

/** The media types of the bodies that a route takes. */
const bodyTypes = ({ body, uploads = {} }: RouteDefinition): string[] => [
  ...new Set([...(body ? ['application/json'] : []), ...Object.keys(uploads)]),
]

const uploadFor = (uploads: Record<string, Upload<unknown>>, req: Request): Upload<unknown> | undefined => {
  const type = mediaTypeOf(req)
  return uploads[type] ?? uploads[type.replace(/\/.*/, '/*')]
}

const checkResponse = ({ operationId, responses }: RouteDefinition, { status, body, send }: Result): void => {
  if (send || status >= 400) return
  const schema = responses[status]
  if (schema === undefined) throw new Error(`${operationId} does not declare the response ${status}`)
  if (schema !== null) schema.parse(body)
}

/** Creates the Express handlers of declared routes. */
export const createRequestHandlers = ({ verifier, findSignIn, db, config }: RequestHandlerOptions) => {
  const budget = createWorkBudget(config)

  /** Runs synchronous work at the expense of the actor. Anonymous requests have other limits, by address. */
  const charged = <T>({ id, token }: Actor, work: () => T): T => {
    const startedAt = performance.now()
    try {
      return work()
    } finally {
      if (token !== '') budget.time.charge(id, performance.now() - startedAt)
    }
  }

  const readBody = async (
    definition: RouteDefinition,
    { readJson, readBack }: BodyReaders,
    { actor, req, res, ifMatch, ...parameters }: BodyContext,
  ): Promise<ReceivedBody> => {
    const { body: schema, uploads } = definition
    const upload = uploads && uploadFor(uploads, req)
    if (upload) {
      const body = await upload.parse(req, actor)
      return { body, source: body }
    }
    if (!schema && !uploads) return { body: undefined, source: undefined }
    if (!schema) throw unsupportedType(req, bodyTypes(definition))
    const json = await readJson(req, res).finally(() => budget.bytes.charge(actor.id, jsonBytesOf(req)))
    const { json: writable, sent } = readBack.strip(json)
    const body = charged(actor, () => parseBody(schema, writable))
    await readBack.check(sent, { ...parameters, actor, ifMatch })
    return { body, source: json ?? body }
  }

  /** Runs a route's handler. With an `Idempotency-Key` it runs once, in one transaction for the whole request. */
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
    const onKept = (bytes: number) => void (bytes > minKeptBytes && budget.kept.charge(actor.id, bytes))
    return runIdempotent(db, request, () => handler(context), onKept)
  }

  return (route: Route): RequestHandler => {
    const { definition } = route
    const maxBodyBytes = Math.min(definition.maxBodyBytes ?? defaultMaxBodyBytes, config.maxBodyBytes)
    const readers = { readJson: jsonReader(maxBodyBytes, bodyTypes(definition)), readBack: createReadBack(definition) }
    return async (req, res) => {
      const current = currentContext()
      if (current) current.route = definition.path
      const actor = await authenticate(verifier, definition.roles, req)
      if (actor.token !== '') budget.assertLeft(actor.id)
      const parameters = readParameters(definition, req)
      const ifMatch = readIfMatch(definition, req)
      const key = readIdempotencyKey(definition, req)
      const { body, source } = await readBody(definition, readers, { ...parameters, actor, ifMatch, req, res })
      if (needsRecentSignIn(definition, body)) await checkSignIn(actor, findSignIn)
      if (definition.itemsOf) budget.items.charge(actor.id, definition.itemsOf(body))
      const result = await run(route, { ...parameters, body, actor, ifMatch, req }, key, source)
      const rows = rowsOf(result.body)
      if (rows > 0) budget.rows.charge(actor.id, rows)
      if (config.checkResponses) checkResponse(definition, result)
      await charged(actor, () => sendResult(req, res, result))
    }
  }
}
