import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { z } from 'zod'
import type { Actor } from '../auth/token-verifier.ts'
import { Problem } from '../runtime/problem.ts'
import { headersFor } from './caller-headers.ts'

/** The service to call and the limits of a call. Times are milliseconds, sizes bytes. */
export type ServiceClientOptions = {
  /** The service's name for the log, such as `media-service`. */
  service: string
  url: string
  /** Detail of the 503 when the service does not respond, or responds unexpectedly. */
  unavailableDetail: string
  maxConnections: number
  connectTimeoutMs: number
  /** Timeout of a whole call. A call can set its own. */
  timeoutMs: number
  /** Timeout between two chunks of the response body. */
  bodyTimeoutMs: number
  maxResponseBytes: number
}

export type ServiceCall = {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  headers?: Record<string, string>
  body?: Readable
  timeoutMs?: number
  signal?: AbortSignal
}

export type ServiceResponse = { status: number; headers: IncomingHttpHeaders; body: string }

/** Calls another service on behalf of a user, with the token of the user. */
export type ServiceClient = {
  /** Returns a response of any status. @throws Problem 503 with Retry-After if it does not arrive in time, or is too large */
  call(call: ServiceCall, actor: Actor): Promise<ServiceResponse>
  /** Parses the JSON body of a response. @throws Problem 503 if it does not match the schema */
  parse<T>(response: ServiceResponse, schema: z.ZodType<T>): T
  /** Creates the Problem (503) for a response with a status that the caller does not expect. */
  unexpectedStatus(response: ServiceResponse): Problem
  close(): Promise<void>
}

/** Creates a client with its own connections. The first call opens them. */
export const createServiceClient = (options: ServiceClientOptions): ServiceClient => {
  const { service, url, unavailableDetail, timeoutMs, bodyTimeoutMs } = options
  let agent: Dispatcher | undefined

  const unavailable = (cause: unknown): Problem =>
    new Problem('unavailable', { detail: unavailableDetail, headers: { 'Retry-After': '5' }, cause })

  // undici is loaded by the first call, because its HTTP parser takes memory and many processes never call.
  const request = async ({ path, signal, ...call }: ServiceCall, actor: Actor): Promise<ServiceResponse> => {
    const undici = await import('undici')
    agent ??= new undici.Agent({
      connections: options.maxConnections,
      connect: { timeout: options.connectTimeoutMs },
      headersTimeout: timeoutMs,
      bodyTimeout: bodyTimeoutMs,
      maxResponseSize: options.maxResponseBytes,
    })
    const timeout = AbortSignal.timeout(call.timeoutMs ?? timeoutMs)
    const { statusCode, headers, body } = await undici.request(`${url}${path}`, {
      method: call.method,
      headers: { ...headersFor(actor), ...call.headers },
      ...(call.body && { body: call.body }),
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
      dispatcher: agent,
    })
    return { status: statusCode, headers, body: await body.text() }
  }

  return {
    call: (call, actor) =>
      request(call, actor).catch((error: unknown) => {
        throw unavailable(error)
      }),
    parse: ({ body }, schema) => {
      try {
        return schema.parse(JSON.parse(body))
      } catch (error) {
        throw unavailable(error)
      }
    },
    unexpectedStatus: ({ status }) => unavailable(new Error(`${service} responded with ${status}`)),
    close: async () => agent?.destroy(),
  }
}
