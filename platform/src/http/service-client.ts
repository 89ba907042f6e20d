import type { IncomingHttpHeaders } from 'node:http'
import type { Readable } from 'node:stream'
import type { Dispatcher } from 'undici'
import type { z } from 'zod'
import type { Actor } from '../auth/token-verifier.ts'
import { Problem } from '../runtime/problem.ts'
import { onBehalfOf } from './caller-headers.ts'

/** Another service, and how long and how much it may answer. Times are milliseconds, sizes bytes. */
export type ServiceClientOptions = {
  /** `media-service`, for the log. */
  service: string
  url: string
  /** What a user is told if the service gives no answer that can be used. */
  unavailableDetail: string
  maxConnections: number
  connectTimeoutMs: number
  /** For a whole call, unless the call sets another. */
  timeoutMs: number
  /** Between two parts of an answer. */
  bodyTimeoutMs: number
  maxAnswerBytes: number
}

export type ServiceCall = {
  method: 'GET' | 'POST' | 'DELETE'
  path: string
  headers?: Record<string, string>
  body?: Readable
  timeoutMs?: number
  signal?: AbortSignal
}

export type ServiceAnswer = { status: number; headers: IncomingHttpHeaders; body: string }

/** Calls another service in the name of a user, with the token that the user sent. */
export type ServiceClient = {
  /** An answer of any status. @throws Problem 503 with Retry-After if there is none in time, or it is too long */
  call(call: ServiceCall, actor: Actor): Promise<ServiceAnswer>
  /** The JSON of an answer. @throws Problem 503 if it does not have the schema */
  parse<T>(answer: ServiceAnswer, schema: z.ZodType<T>): T
  /** The Problem for an answer of a status that the caller does not expect. */
  unexpected(answer: ServiceAnswer): Problem
  close(): Promise<void>
}

/** A client with connections of its own, which are opened by the first call. */
export const createServiceClient = (options: ServiceClientOptions): ServiceClient => {
  const { service, url, unavailableDetail, timeoutMs, bodyTimeoutMs } = options
  let agent: Dispatcher | undefined

  const unavailable = (cause: unknown): Problem =>
    new Problem('unavailable', { detail: unavailableDetail, headers: { 'Retry-After': '5' }, cause })

  // Loaded with the first call: many a process never makes one, and undici's HTTP parser takes memory.
  const request = async ({ path, signal, ...call }: ServiceCall, actor: Actor): Promise<ServiceAnswer> => {
    const undici = await import('undici')
    agent ??= new undici.Agent({
      connections: options.maxConnections,
      connect: { timeout: options.connectTimeoutMs },
      headersTimeout: timeoutMs,
      bodyTimeout: bodyTimeoutMs,
      maxResponseSize: options.maxAnswerBytes,
    })
    const limit = AbortSignal.timeout(call.timeoutMs ?? timeoutMs)
    const { statusCode, headers, body } = await undici.request(`${url}${path}`, {
      method: call.method,
      headers: { ...onBehalfOf(actor), ...call.headers },
      ...(call.body && { body: call.body }),
      signal: signal ? AbortSignal.any([signal, limit]) : limit,
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
    unexpected: ({ status }) => unavailable(new Error(`${service} answered ${status}`)),
    close: async () => agent?.destroy(),
  }
}
