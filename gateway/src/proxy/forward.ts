import { Readable } from 'node:stream'
import { Problem } from '@clientele/platform/runtime/problem'
import type { Dispatcher, Pool } from 'undici'
import type { GatewayConfig } from '../config.ts'
import type { ProxiedRequest } from './proxied-request.ts'
import { ClientDisconnected } from './request-body.ts'

type Times = Pick<GatewayConfig, 'upstreamQueueMs' | 'clientStallMs'>

const unreachable = new Set([
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
const brokenOff = new Set(['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_INFO'])

const codeOf = (error: unknown): string => {
  const { code, cause } = (error ?? {}) as { code?: unknown; cause?: { code?: unknown } }
  return String(code ?? cause?.code ?? '')
}
const retryAfter = (seconds: number) => ({ headers: { 'Retry-After': String(seconds) } })

const problemOf = (error: unknown): Problem | ClientDisconnected => {
  if (error instanceof Problem || error instanceof ClientDisconnected) return error
  const code = codeOf(error)
  if (code === 'UND_ERR_HEADERS_TIMEOUT') return new Problem('gateway_timeout', { ...retryAfter(5), cause: error })
  if (unreachable.has(code))
    return new Problem('unavailable', { detail: 'the service cannot be reached', ...retryAfter(2), cause: error })
  if (code === 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH')
    return new Problem('malformed', { detail: 'the body is not as long as announced', cause: error })
  return new Problem('bad_gateway', { ...retryAfter(1), cause: error })
}

// A response that arrived in one chunk is written as text of one byte a character, so that Node sends it in one packet with
// its head: half the work of two writes.
const maxSingleWriteBytes = 16_384

/** One attempt. Resolves when the client has its response or is disconnected; rejects as long as nothing has been sent. */
const attempt = (
  pool: Pool,
  request: ProxiedRequest,
  body: Readable | Buffer | null,
  { upstreamQueueMs, clientStallMs }: Times,
): Promise<void> =>
  new Promise((resolve, reject) => {
    const { res, stream } = request
    const source = body instanceof Readable ? body : undefined
    let controller: Dispatcher.DispatchController | undefined
    let settled = false
    let stalled: NodeJS.Timeout | undefined
    let announced = Number.NaN

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
      controller?.resume()
    }
    const queued = setTimeout(() => {
      settle(new Problem('unavailable', { detail: 'the service is busy', ...retryAfter(2) }))
    }, upstreamQueueMs)
    res.on('close', onClientClose)

    const handler: Dispatcher.DispatchHandler = {
      onRequestStart: (started) => {
        controller = started
        clearTimeout(queued)
        if (settled) started.abort(new ClientDisconnected('nobody waits for the response'))
      },
      onResponseStart: (_controller, status, headers, _message) => {
        if (settled || status < 200) return
        announced = Number(headers['content-length'])
        res.writeHead(status, request.responseHeaders(headers))
        if (stream) res.flushHeaders()
      },
      onResponseData: (current, chunk) => {
        if (settled) return
        if (chunk.length === announced && chunk.length <= maxSingleWriteBytes) {
          res.end(chunk.toString('latin1'), 'latin1')
          return
        }
        if (res.write(chunk)) return
        current.pause()
        // A client that takes nothing holds a connection to the service.
        stalled = setTimeout(() => res.destroy(), clientStallMs)
        res.once('drain', onDrain)
      },
      onResponseEnd: () => {
        if (settled) return
        if (!res.writableEnded) res.end()
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
    pool.dispatch({ method, path, headers, body, ...(stream && { bodyTimeout: 0 }) }, handler)
  })

/**
 * Forwards a request and its response; large bodies are streamed. A GET whose kept-alive connection turned out to be closed is
 * tried once more.
 * @throws Problem 502, 503, 504
 */
export const forward = async (pool: Pool, request: ProxiedRequest, times: Times): Promise<void> => {
  const repeatable = request.method === 'GET' || request.method === 'HEAD'
  try {
    const body = await request.body
    if (request.res.destroyed) return
    await attempt(pool, request, body, times).catch((error: unknown) => {
      if (!repeatable || request.res.destroyed || !brokenOff.has(codeOf(error))) throw error
      return attempt(pool, request, null, times)
    })
  } catch (error) {
    const problem = problemOf(error)
    if (problem instanceof Problem) throw problem
  }
}
