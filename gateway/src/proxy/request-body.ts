import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { hasBody } from '@clientele/platform/http/has-body'
import { Problem } from '@clientele/platform/runtime/problem'

const tooLarge = (maxBytes: number): Problem =>
  new Problem('too_large', { detail: `the body is larger than ${maxBytes} bytes`, extra: { limit: maxBytes } })

/** Aborts the upstream request when the client has disconnected. No response is sent. */
export class ClientDisconnected extends Error {
  override name = 'ClientDisconnected'
}

/** Longer bodies are streamed. A buffered body is sent in one packet with its head, which takes half the work. */
const maxBufferedBytes = 65_536

/**
 * An upload must arrive at `minBytesPerSecond` or more, over each `stallMs`. Any other body must be complete within `stallMs`.
 */
export type BodyLimits = { maxBytes: number; stallMs: number; minBytesPerSecond: number; isUpload: boolean }

/**
 * The body of a request, or null without one. A short body is buffered, any other is a stream of at most `maxBytes`. It
 * fails when it arrives too slowly, since a slow one would hold a connection to the service.
 * @throws Problem 413 if the `Content-Length` is too large, 400 for a body of GET or HEAD. Reading the body fails with Problem
 * 408, 413 or {@link ClientDisconnected}
 */
export const requestBody = (req: IncomingMessage, limits: BodyLimits): Readable | Promise<Buffer> | null => {
  if (!hasBody(req)) return null
  if (req.method === 'GET' || req.method === 'HEAD')
    throw new Problem('malformed', { detail: `a ${req.method} request must not have a body` })
  const contentLength = Number(req.headers['content-length'] ?? Number.NaN)
  if (contentLength > limits.maxBytes) throw tooLarge(limits.maxBytes)
  return contentLength <= maxBufferedBytes && !limits.isUpload ? bufferBody(req, limits) : streamBody(req, limits)
}

const tooSlow = ({ isUpload, stallMs, minBytesPerSecond }: BodyLimits): Problem =>
  new Problem('timeout', {
    detail: isUpload
      ? `the body arrived more slowly than ${minBytesPerSecond} bytes per second`
      : `the body took longer than ${stallMs} ms`,
  })

const disconnected = (): ClientDisconnected => new ClientDisconnected('the client disconnected')

const bufferBody = (req: IncomingMessage, limits: BodyLimits): Promise<Buffer> => {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  const onData = (chunk: Buffer) => chunks.push(chunk)
  const onEnd = () => resolve(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks))
  const onClose = () => reject(disconnected())
  const timer = setTimeout(() => reject(tooSlow(limits)), limits.stallMs)
  req.on('data', onData).once('end', onEnd).once('close', onClose)
  const body = promise.finally(() => {
    clearTimeout(timer)
    req.off('data', onData).off('end', onEnd).off('close', onClose)
  })
  // If the request is rejected meanwhile, nothing awaits its body.
  body.catch(() => {})
  return body
}

/** The stream of a body. If it is destroyed, the client's connection stays open for the response. */
const streamBody = (req: IncomingMessage, limits: BodyLimits): Readable => {
  const { maxBytes, stallMs, minBytesPerSecond, isUpload } = limits
  let received = 0
  let checked = 0
  const body = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      received += chunk.length
      if (received > maxBytes) done(tooLarge(maxBytes))
      else done(null, chunk)
    },
  })
  // A service that does not read is not the client's doing, and has its own timeout.
  let pausedAt: number | undefined
  let pausedMs = 0
  const onPause = () => {
    pausedAt ??= performance.now()
  }
  const onDrain = () => {
    if (pausedAt !== undefined) pausedMs += performance.now() - pausedAt
    pausedAt = undefined
  }
  const timer = setTimeout(() => {
    if (req.complete || body.writableNeedDrain) return void timer.refresh()
    const isFastEnough = (received - checked) * 1000 >= minBytesPerSecond * Math.max(stallMs - pausedMs, 0)
    if (!isUpload || !isFastEnough) return void body.destroy(tooSlow(limits))
    checked = received
    pausedMs = 0
    timer.refresh()
  }, stallMs)
  const onClose = () => {
    if (!req.complete) body.destroy(disconnected())
  }
  req.once('close', onClose).on('pause', onPause)
  body.on('drain', onDrain).once('close', () => {
    clearTimeout(timer)
    req.off('close', onClose).off('pause', onPause)
  })
  body.on('error', () => {})
  req.pipe(body)
  return body
}
