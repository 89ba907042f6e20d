import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { Problem } from '@clientele/platform/runtime/problem'

const tooLarge = (limit: number): Problem =>
  new Problem('too_large', { detail: `the body may have ${limit} bytes`, extra: { limit } })

/** Ends the upstream request when the client has disconnected: there is nobody to answer. */
export class ClientDisconnected extends Error {
  override name = 'ClientDisconnected'
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/** Longer bodies are streamed. A buffered one is sent in one packet with its head, for half the work. */
const maxBufferedBytes = 65_536

type Limits = { limit: number; stallMs: number; upload: boolean }

/**
 * The request's body, or null if there is none: a short one buffered, any other as a stream, at most `limit` bytes whatever
 * was announced. An upload fails when no byte arrives for `stallMs`; any other body must be complete by then, since a slow
 * one would hold a connection to the service.
 * @throws Problem 413 before a byte is read if too much is announced, 400 for a body of GET or HEAD. The result fails with
 * Problem 408, 413 or {@link ClientDisconnected}
 */
export const requestBody = (req: IncomingMessage, limits: Limits): Readable | Promise<Buffer> | null => {
  if (!hasBody(req)) return null
  if (req.method === 'GET' || req.method === 'HEAD')
    throw new Problem('malformed', { detail: `${req.method} takes no body` })
  const announced = Number(req.headers['content-length'] ?? Number.NaN)
  if (announced > limits.limit) throw tooLarge(limits.limit)
  return announced <= maxBufferedBytes && !limits.upload ? bufferBody(req, limits) : streamBody(req, limits)
}

const tooSlow = ({ upload, stallMs }: Limits): Problem =>
  new Problem('timeout', {
    detail: upload ? `no byte arrived for ${stallMs} ms` : `the body took longer than ${stallMs} ms`,
  })

const disconnected = (): ClientDisconnected => new ClientDisconnected('the client disconnected')

const bufferBody = (req: IncomingMessage, limits: Limits): Promise<Buffer> => {
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
  // Nobody waits for the body of a request that is refused meanwhile.
  body.catch(() => {})
  return body
}

/** Destroying it leaves the client's connection open for the answer. */
const streamBody = (req: IncomingMessage, limits: Limits): Readable => {
  const { limit, stallMs, upload } = limits
  let received = 0
  const body = new Transform({
    transform: (chunk: Buffer, _encoding, done) => {
      received += chunk.length
      if (upload) timer.refresh()
      if (received > limit) done(tooLarge(limit))
      else done(null, chunk)
    },
  })
  const timer = setTimeout(() => {
    // A service that does not read is the service's fault, and has a timeout of its own.
    if (body.writableNeedDrain) timer.refresh()
    else body.destroy(tooSlow(limits))
  }, stallMs)
  const onClose = () => {
    if (!req.complete) body.destroy(disconnected())
  }
  req.once('close', onClose)
  body.once('close', () => {
    clearTimeout(timer)
    req.off('close', onClose)
  })
  body.on('error', () => {})
  req.pipe(body)
  return body
}
