import type { IncomingMessage, ServerResponse } from 'node:http'
import { hasBody } from './has-body.ts'

const drainMs = 5_000

/**
 * Call it before sending a response while the request body is still arriving. Otherwise Node closes the connection at once, and
 * the client sees a connection reset instead of the response.
 */
export const keepAliveUntilRead = (req: IncomingMessage, res: ServerResponse): void => {
  if (!req.complete && hasBody(req)) res.shouldKeepAlive = true
}

/**
 * Call it after sending a response before the end of the request body. It reads and discards the rest of the body, so that the
 * client gets the response (RFC 9112, section 9.6), and destroys the connection after 5 s. If the client has sent
 * `Connection: close`, the connection is closed at the end of the body.
 */
export const drainRequest = (req: IncomingMessage): void => {
  if (req.complete || req.destroyed) return
  req.unpipe()
  req.resume()
  const timer = setTimeout(() => req.socket.destroy(), drainMs).unref()
  const closing = /\bclose\b/i.test(req.headers.connection ?? '')
  req.once('close', () => clearTimeout(timer))
  req.once('end', () => {
    clearTimeout(timer)
    if (closing) req.socket.end()
  })
}
