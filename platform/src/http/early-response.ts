import type { IncomingMessage, ServerResponse } from 'node:http'

const lingerMs = 5_000

/** Before an answer that comes ahead of the whole body: closing at once would reset the connection under the client's eyes. */
export const holdForRest = (req: IncomingMessage, res: ServerResponse): void => {
  if (!req.complete) res.shouldKeepAlive = true
}

/**
 * After such an answer: reads on for a moment so that the client sees it (RFC 9112, section 9.6), then cuts the
 * connection off; one that the client wanted to be closed is closed when the body has ended.
 */
export const discardRest = (req: IncomingMessage): void => {
  if (req.complete || req.destroyed) return
  req.unpipe()
  req.resume()
  const timer = setTimeout(() => req.socket.destroy(), lingerMs).unref()
  const closing = /\bclose\b/i.test(req.headers.connection ?? '')
  req.once('close', () => clearTimeout(timer))
  req.once('end', () => {
    clearTimeout(timer)
    if (closing) req.socket.end()
  })
}
