import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'

type Headers = Record<string, string>

const stallTimeoutMs = 30_000
// Random, so that no image contains it.
const boundary = randomBytes(24).toString('hex')

/**
 * Starts a request whose connection is closed when its stream is destroyed. The streams of the client library would leave the
 * connection open for ever, with the request half sent. `response` rejects if there is none.
 */
export const openTransfer = (method: 'GET' | 'POST', url: string, headers: Headers) => {
  const address = new URL(url)
  const request: ClientRequest = (address.protocol === 'http:' ? http : https).request(address, { method, headers })
  request.setTimeout(stallTimeoutMs, () => request.destroy(new Error('the bucket does not respond')))
  const response = once(request, 'response').then(([response]) => response as IncomingMessage)
  response.catch(() => {})
  return { request, response }
}

/** The headers of a request with the body of {@link multipart}. */
export const multipartHeaders = { 'content-type': `multipart/related; boundary=${boundary}` }

/** The body of a multipart upload of the JSON API: metadata, then content. */
export async function* multipart(metadata: object, content: AsyncIterable<Uint8Array>) {
  const part = (type: string) => `--${boundary}\r\nContent-Type: ${type}\r\n\r\n`
  yield Buffer.from(`${part('application/json')}${JSON.stringify(metadata)}\r\n${part('application/octet-stream')}`)
  yield* content
  yield Buffer.from(`\r\n--${boundary}--\r\n`)
}
