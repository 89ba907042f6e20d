import type { Request } from 'express'
import type { z } from 'zod'
import type { Actor } from '../auth/token-verifier.ts'
import type { Result } from './response.ts'

/** Who may call: holders of a role (`admin` includes `user`), everybody, or everybody with the token checked if there is one. */
export type Access = readonly ['user'] | readonly ['admin'] | 'public' | 'optional'

/**
 * A body that is read in its own way: `parse` reads the request and gives the body; `schema` is for the documentation. A `file` is
 * stored as it arrives, so the gateway lets larger ones through.
 */
export type Upload<B> = { schema: z.ZodType; file?: true; parse: (req: Request, actor: Actor) => Promise<B> }

export type Schema = z.ZodType | undefined
export type Parsed<S extends Schema> = S extends z.ZodType ? z.output<S> : undefined

/** Schemas by status; null for a response without a body. */
export type Responses = Record<number, z.ZodType | null>

/** One route, declared once: validation, types, permission and OpenAPI come from it. */
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
  params?: P
  query?: Q
  body?: B
  uploads?: Record<string, Upload<U>>
  /** What the handler may answer, and the problems of its own; common problems are added. */
  responses: R
  /** False switches `Idempotency-Key` off for a POST. */
  idempotent?: false
}

/** What a handler gets; `ifMatch` is the version that `If-Match` names. */
export type RequestContext<P = unknown, Q = unknown, B = unknown> = {
  params: P
  query: Q
  body: B
  actor: Actor
  ifMatch: number | undefined
  req: Request
}

type SuccessStatus<S> = S extends number ? (`${S}` extends `${2 | 3}${string}` ? S : never) : never

/** One of the declared responses, with the body that its schema describes. Problems (4xx, 5xx) are thrown, not returned. */
export type DeclaredResult<R extends Responses> = {
  [S in SuccessStatus<keyof R>]: Result<S, R[S] extends z.ZodType ? z.output<R[S]> : undefined>
}[SuccessStatus<keyof R>]

/** Serves a request that has been authenticated and validated. */
export type Handler<C = RequestContext, R = Result> = (context: C) => Promise<R>
