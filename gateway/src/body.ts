import type { IncomingMessage } from 'node:http'
import { type Readable, Transform } from 'node:stream'
import { Problem } from '@clientele/platform/problem'

const tooLarge = (limit: number): Problem =>
  new Problem('too_large', { detail: `the body may have ${limit} bytes`, extra: { limit } })

/** Raised into the upstream request when the client has gone: there is nobody to answer. */
export class ClientGone extends Error {
  override name = 'ClientGone'
}

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'

/**
 * The request's body as it arrives, or null where there is none: at most `limit` bytes, whatever was announced. An upload
 * ends when no byte comes for `stallMs`; any other body must be there by then, since a trickle would hold a connection to
 * the service. Destroying it leaves the client's connection open for the answer.
 * @throws Problem 413 before a byte is read, when too much is announced; 400 for a body where none belongs
 */
export const bodyOf = (
  req: IncomingMessage,
  { limit, stallMs, upload }: { limit: number; stallMs: number; upload: boolean },
): Readable | null => {
  if (!hasBody(req)) return null
  if (req.method === 'GET' || req.method === 'HEAD')
    throw new Problem('malformed', { detail: `${req.method} takes no body` })
  if (Number(req.headers['content-length'] ?? 0) > limit) throw tooLarge(limit)

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
    else
      body.destroy(
        new Problem('timeout', {
          detail: upload ? `no byte arrived for ${stallMs} ms` : `the body took longer than ${stallMs} ms`,
        }),
      )
  }, stallMs)
  const onClose = () => {
    if (!req.complete) body.destroy(new ClientGone('the client went away'))
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
