import type { Request } from 'express'
import { z } from 'zod'
import type { Actor } from '../auth/token-verifier.ts'
import type { IfMatch } from './if-match.ts'
import type { ResponseHeader } from './openapi/response-headers.ts'
import type { Result } from './response.ts'

/**
 * The access to a route. `['user']` and `['admin']`: only users with this role; an admin may do what a user may. `public`:
 * everybody. `optional`: everybody, but if a token is sent, it must be valid.
 */
export type Access = readonly ['user'] | readonly ['admin'] | 'public' | 'optional'

/**
 * A body other than JSON. `parse` reads the request and returns the body; `schema` is for the OpenAPI document. With `file`,
 * the body is stored while it arrives, so the gateway allows larger bodies. `unlisted` leaves the type out of the document:
 * generators choose JSON wherever it is listed, also for a file.
 */
export type Upload<B> = {
  schema: z.ZodType
  file?: true
  unlisted?: true
  parse: (req: Request, actor: Actor) => Promise<B>
}

/** Enough for every JSON body without long lists or texts. */
export const defaultMaxBodyBytes = 100_000

/** The schema of parameters or a body; undefined if there are none. */
export type Schema = z.ZodType | undefined
export type Parsed<S extends Schema> = S extends z.ZodType ? z.output<S> : undefined

/** Schemas by status; null is a response without a body. */
export type Responses = Record<number, z.ZodType | null>

/** One route. Validation, types, authorization and OpenAPI are derived from it. */
export type RouteDefinition<
  P extends Schema = Schema,
  Q extends Schema = Schema,
  B extends Schema = Schema,
  U = unknown,
  R extends Responses = Responses,
> = {
  method: 'get' | 'post' | 'put' | 'patch' | 'delete'
  /** OpenAPI style: `/v1/customers/{key}` */
  path: string
  operationId: string
  summary: string
  description?: string
  tag: string
  roles: Access
  /**
   * Refuses users whose last sign-in is more than five minutes ago (RFC 9470): `true` for every request, or for requests whose
   * body has one of these fields.
   */
  recentSignIn?: true | readonly string[]
  params?: P
  query?: Q
  body?: B
  /**
   * The maximum size of a JSON body; by default {@link defaultMaxBodyBytes}. `MAX_BODY_BYTES` is the upper bound, and the only one
   * with Infinity.
   */
  maxBodyBytes?: number
  /**
   * Reads the resource that a PUT or PATCH changes, as the response 200 has it. Its fields that the body does not have may then be
   * sent unchanged.
   */
  current?(context: { params: Parsed<P>; query: Parsed<Q>; actor: Actor }): Promise<object>
  /**
   * Fields of the response that show other resources. With {@link current}, they may be sent as they were read, whatever has become
   * of those resources.
   */
  linked?: readonly string[]
  /** How many items a body has, for a batch. They count for the budget of the user. */
  itemsOf?(body: Parsed<B>): number
  /** Bodies other than JSON by media type, such as `multipart/form-data` or `image/*`. */
  uploads?: Record<string, Upload<U>>
  /** What a response of 200 or 206 without a schema is: a file of one of these media types, with further headers. */
  file?: { types: readonly string[]; headers: readonly ResponseHeader[] }
  /**
   * The response of 200 is a stream of server-sent events without an end (see {@link eventStream}), and its schema is null. The
   * gateway has connections, limits and timeouts of their own for streams. A client that does not accept `text/event-stream` gets 406.
   */
  stream?: { description: string; example: string }
  /** The responses and specific problems of this route. Common problems are added. */
  responses: R
  /** False turns `Idempotency-Key` off for a POST. */
  idempotent?: false
}

/** Whether a route takes an `Idempotency-Key`: a POST that does not turn it off. */
export const takesIdempotencyKey = ({ method, idempotent }: RouteDefinition): boolean =>
  method === 'post' && idempotent !== false

/** The names of the fields of an object's schema; none for another schema. */
export const fieldsOf = (schema: z.ZodType | null | undefined): string[] =>
  schema instanceof z.ZodObject ? Object.keys(schema.shape) : []

/** The argument of a handler. `ifMatch` has the versions in `If-Match`, or none if the resource must not exist (`If-None-Match: *`). */
export type RequestContext<P = unknown, Q = unknown, B = unknown> = {
  params: P
  query: Q
  body: B
  actor: Actor
  ifMatch: IfMatch
  req: Request
}

type SuccessStatus<S> = S extends number ? (`${S}` extends `${2 | 3}${string}` ? S : never) : never

/** One of the declared responses, with a body that matches its schema. Problems (4xx, 5xx) are thrown, not returned. */
export type DeclaredResult<R extends Responses> = {
  [S in SuccessStatus<keyof R>]: Result<S, R[S] extends z.ZodType ? z.output<R[S]> : undefined>
}[SuccessStatus<keyof R>]

/** Serves a request that has been authenticated and validated. */
export type Handler<C = RequestContext, R = Result> = (context: C) => Promise<R>
