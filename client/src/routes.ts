import type { paths } from './generated/api.ts'

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'

/** An operation of the API by its method and path, such as `GET /v1/customers/{key}`. */
export type Route = {
  [P in keyof paths]: { [M in Method]: paths[P][Lowercase<M>] extends object ? `${M} ${P}` : never }[Method]
}[keyof paths]

type Operation<R extends Route> = R extends `${infer M extends Method} ${infer P extends keyof paths}`
  ? NonNullable<paths[P][Lowercase<M>]>
  : never

/** The query parameters of an operation. */
export type Query<R extends Route> = Operation<R> extends { parameters: { query?: infer Q } } ? NonNullable<Q> : never

type RequestBody<R extends Route> = Operation<R> extends { requestBody?: infer B } ? B : never
type ContentOf<T> = T extends { content: infer C } ? C[keyof C] : never

/** The body of an operation: an object, a file, or the fields of a form, among them a file. */
export type Body<R extends Route> = ContentOf<NonNullable<RequestBody<R>>>

type Successes = 200 | 201 | 202 | 204 | 207
type ResultOf<T> = {
  [S in keyof T & Successes]: T[S] extends { content: { 'application/json': infer D } } ? D : undefined
}

/** What an operation returns. */
export type Result<R extends Route> =
  Operation<R> extends { responses: infer T } ? ResultOf<T>[keyof ResultOf<T>] : never

/** The items of a list. */
export type Item<R extends Route> = Result<R> extends { data: (infer T)[] } ? T : never

/** An operation that returns pages. */
export type ListRoute = { [R in Route]: Result<R> extends { page: { nextCursor: string | null } } ? R : never }[Route]

type PathParameters<R extends Route> = Operation<R> extends { parameters: { path: infer P } } ? P : never
type PathValues<R extends Route, Path extends string> = Path extends `${string}{${infer Name}}${infer Rest}`
  ? [PathParameters<R>[Name & keyof PathParameters<R>], ...PathValues<R, Rest>]
  : []

/** An operation that takes a body. */
export type RouteWithBody = { [R in Route]: [Body<R>] extends [never] ? never : R }[Route]
/** An operation that takes none. */
export type RouteWithoutBody = Exclude<Route, RouteWithBody>

type BodyArgument<R extends Route> = Operation<R> extends { requestBody: object } ? [body: Body<R>] : [body?: Body<R>]

/** How much of a body has been sent. */
export type Progress = { sentBytes: number; totalBytes: number }

/** Options of a single request. */
export type RequestOptions = {
  /** Cancels the request, its retries too. The promise then rejects with the reason of the signal. */
  signal?: AbortSignal | undefined
  /** The longest time for each attempt. Default: that of the client, and ten minutes for files. */
  timeoutMs?: number | undefined
  /** `Idempotency-Key` of a POST. Default: a new one for each call, the same for its retries. */
  idempotencyKey?: string | undefined
  /** The version that is to be changed, or its ETag. If it is not the present one, the error is 412 `precondition_failed`. */
  ifMatch?: number | string | undefined
  /** For a PUT that only creates. */
  ifNoneMatch?: '*' | undefined
  /** Further headers. */
  headers?: Record<string, string> | undefined
  /** Called with the status and the headers of a successful response, such as `ETag` and `Idempotency-Replayed`. */
  onResponse?: ((response: Pick<Response, 'status' | 'headers'>) => void) | undefined
  /** Called while the body is sent. Only browsers report progress. */
  onProgress?: ((progress: Progress) => void) | undefined
}

/** The options of a call with the query parameters of its operation. */
type CallOptions<R extends Route> = RequestOptions & { query?: Query<R> | undefined }

/** Calls an operation: the values of its path in order, and options. */
export type Call<R extends Route> = (...args: [...PathValues<R, R>, options?: CallOptions<R>]) => Promise<Result<R>>

/** Calls an operation that takes a body. */
export type CallWithBody<R extends Route> = (
  ...args: [...PathValues<R, R>, ...BodyArgument<R>, options?: CallOptions<R>]
) => Promise<Result<R>>

/** Calls an operation that returns a file. The body of the response can be read as a stream. */
export type Download<R extends Route> = (...args: [...PathValues<R, R>, options?: CallOptions<R>]) => Promise<Response>

/** Reads a list from page to page. */
export type List<R extends ListRoute> = (
  ...args: [...PathValues<R, R>, query?: Query<R>, options?: RequestOptions]
) => AsyncGenerator<Item<R>, void, undefined>

/** Reads one page of a list. */
export type Page<R extends ListRoute> = (
  ...args: [...PathValues<R, R>, query?: Query<R>, options?: RequestOptions]
) => Promise<Result<R>>

type PathInput<R extends Route> = R extends `${string}{${string}` ? { path: PathParameters<R> } : { path?: undefined }
type BodyInput<R extends Route> = [Body<R>] extends [never]
  ? { body?: undefined }
  : Operation<R> extends { requestBody: object }
    ? { body: Body<R> }
    : { body?: Body<R> | undefined }

/** What a request consists of, each part by its name. */
export type RequestInput<R extends Route> = CallOptions<R> & PathInput<R> & BodyInput<R>

/** The input of a request, which may be left out if nothing in it is required. */
export type InputArguments<R extends Route> =
  Partial<RequestInput<R>> extends RequestInput<R> ? [input?: RequestInput<R>] : [input: RequestInput<R>]
