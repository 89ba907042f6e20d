import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import http, { type ClientRequest, type IncomingMessage } from 'node:http'
import https from 'node:https'

type Headers = Record<string, string>

const stalledMs = 30_000
// Too random to be in an image.
const boundary = randomBytes(24).toString('hex')

/**
 * A request whose connection ends when its stream is destroyed. The client library's own streams stay connected then, half
 * sent, for good. `answer` rejects when there is none.
 */
export const openTransfer = (method: 'GET' | 'POST', url: string, headers: Headers) => {
  const address = new URL(url)
  const request: ClientRequest = (address.protocol === 'http:' ? http : https).request(address, { method, headers })
  request.setTimeout(stalledMs, () => request.destroy(new Error('the bucket does not answer')))
  const answer = once(request, 'response').then(([response]) => response as IncomingMessage)
  answer.catch(() => {})
  return { request, answer }
}

/** The headers of {@link multipart}. */
export const multipartHeaders = { 'content-type': `multipart/related; boundary=${boundary}` }

/** The body of an upload as the JSON API takes it: metadata, then content. */
export async function* multipart(metadata: object, content: AsyncIterable<Uint8Array>) {
  const part = (type: string) => `--${boundary}\r\nContent-Type: ${type}\r\n\r\n`
  yield Buffer.from(`${part('application/json')}${JSON.stringify(metadata)}\r\n${part('application/octet-stream')}`)
  yield* content
  yield Buffer.from(`\r\n--${boundary}--\r\n`)
}
