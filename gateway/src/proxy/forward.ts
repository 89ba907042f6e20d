import type { ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import { Problem } from '@clientele/platform/runtime/problem'
import type { Dispatcher, Pool } from 'undici'
import type { GatewayConfig } from '../config.ts'
import { type CompressedResponse, codingOfResponse, createCompressedResponse } from './compressed-response.ts'
import { createPace, type Pace } from './pace.ts'
import type { ProxiedRequest } from './proxied-request.ts'
import { ClientDisconnected } from './request-body.ts'

type Limits = Pick<
  GatewayConfig,
  'upstreamQueueMs' | 'upstreamStreamIdleMs' | 'clientStallMs' | 'clientMinBytesPerSecond'
>

const unreachableCodes = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'UND_ERR_CONNECT_TIMEOUT',
  'UND_ERR_DESTROYED',
  'UND_ERR_CLOSED',
])
const connectionLostCodes = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_INFO'])

const codeOf = (error: unknown): string => {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } }
  return String(code ?? cause?.code ?? '')
}
const retryAfter = (seconds: number) => ({ headers: { 'Retry-After': String(seconds) } })

const toProblem = (error: unknown): Problem | ClientDisconnected => {
  if (error instanceof Problem || error instanceof ClientDisconnected) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return new Problem('gateway_timeout', { ...retryAfter(5), cause: error })
  if (unreachableCodes.has(code))
    return new Problem('unavailable', { detail: 'the service is unavailable', ...retryAfter(2), cause: error })
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH')
    return new Problem('malformed', { detail: 'the body does not match its Content-Length', cause: error })
  return new Problem('bad_gateway', { ...retryAfter(1), cause: error })
}

// A response that arrives in one chunk is written as a latin1 string, because Node then sends head and body in one packet,
// which takes half the work of two writes.
const maxSingleWriteBytes = 16_384

/** Closes the connection if the client has not read the end of the response after `ms`. */
const endUnread = (res: ServerResponse, ms: number): void => {
  const timer = setTimeout(() => res.destroy(), ms)
  res.once('close', () => clearTimeout(timer))
}

/**
 * Makes one attempt. Resolves when the response is complete or the client has disconnected. Rejects only if nothing has been
 * sent to the client.
 */
const attempt = (
  pool: Pool,
  request: ProxiedRequest,
  body: Readable | Buffer | null,
  { upstreamQueueMs, upstreamStreamIdleMs, clientStallMs, clientMinBytesPerSecond }: Limits,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const { res, stream } = request
    const source = body instanceof Readable ? body : undefined
    let controller: Dispatcher.DispatchController | undefined
    let settled = false
    let stalled: NodeJS.Timeout | undefined
    let contentLength = Number.NaN
    let pace: Pace | undefined
    let compressed: CompressedResponse | undefined

    const settle = (error?: unknown): void => {
      if (settled) return
      settled = true
      clearTimeout(queued)
      clearTimeout(stalled)
      res.off('close', onClientClose)
      res.off('drain', onDrain)
      source?.destroy()
      if (error === undefined) resolve()
      else reject(error)
    }
    const onClientClose = (): void => {
      const disconnected = new ClientDisconnected('the client disconnected')
      settle()
      source?.destroy(disconnected)
      controller?.abort(disconnected)
    }
    const onDrain = (): void => {
      clearTimeout(stalled)
      if (pace?.resume() ?? true) controller?.resume()
      else res.destroy()
    }
    const queued = setTimeout(() => {
      settle(new Problem('unavailable', { detail: 'the service is busy', ...retryAfter(2) }))
    }, upstreamQueueMs)
    res.on('close', onClientClose)

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (started) => {
        controller = started
        clearTimeout(queued)
        if (settled) started.abort(new ClientDisconnected('the client disconnected'))
      },
      onResponseStart: (_controller, status, headers, _message) => {
        if (settled || status < 200) return
        contentLength = Number(headers['content-length'])
        const outgoing = request.responseHeaders(status, headers)
        const coding = codingOfResponse(request.acceptEncoding, { status, headers })
        if (coding) {
          compressed = createCompressedResponse(res, { status, headers: outgoing, coding })
          return
        }
        res.writeHead(status, outgoing)
        if (!stream) return
        stream.begin(headers['content-type'])
        res.flushHeaders()
      },
      onResponseData: (current, chunk) => {
        // A stream may have been ended.
        if (settled || res.writableEnded) return
        if (compressed) return compressed.add(chunk)
        if (chunk.length === contentLength && chunk.length <= maxSingleWriteBytes) {
          res.end(chunk.toString('latin1'), 'latin1')
          return
        }
        const hasRoom = res.write(chunk)
        stream?.written(chunk)
        if (hasRoom) return void pace?.add(chunk.length)
        current.pause()
        // How much a stream has to send is not up to its client.
        if (!stream) pace ??= createPace({ windowMs: clientStallMs, minBytesPerSecond: clientMinBytesPerSecond })
        pace?.add(chunk.length)
        pace?.pause()
        // A client that does not read, or reads too slowly, would hold the connection to the service.
        stalled = setTimeout(() => res.destroy(), clientStallMs)
        res.once('drain', onDrain)
      },
      onResponseEnd: () => {
        if (settled) return
        compressed?.send()
        if (!res.writableEnded) res.end()
        if (res.writableLength > 0) endUnread(res, clientStallMs)
        settle()
      },
      onResponseError: (_controller, error) => {
        if (settled) return
        if (res.headersSent) {
          settle()
          res.destroy()
        } else settle(error)
      },
    }
    const { method, path, headers } = request
    pool.dispatch({ method, path, headers, body, ...(stream && { bodyTimeout: upstreamStreamIdleMs }) }, handler)
  })

/**
 * Forwards a request and its response. Large bodies are streamed. A GET or HEAD whose keep-alive connection turns out to be
 * closed is retried once.
 * @throws Problem 502, 503, 504
 */
export const forward = async (pool: Pool, request: ProxiedRequest, limits: Limits): Promise<void> => {
  const isRetryable = request.method === 'GET' || request.method === 'HEAD'
  try {
    const body = await request.body
    if (request.res.destroyed) return
    await attempt(pool, request, body, limits).catch((error: unknown) => {
      if (!isRetryable || request.res.destroyed || !connectionLostCodes.has(codeOf(error))) throw error
      return attempt(pool, request, null, limits)
    })
  } catch (error) {
    // If the client has disconnected, nobody gets a response.
    const problem = toProblem(error)
    if (problem instanceof Problem) throw problem
  }
}
