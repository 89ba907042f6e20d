import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'

/** Opens a request with exactly these headers, plus those that node:http must add. */
export const open = (
  url: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string | string[]> } = {},
): { req: ClientRequest; response: Promise<IncomingMessage> } => {
  const req = request(url, { method, headers, agent: false, timeout: 20_000 })
  const response = new Promise<IncomingMessage>((resolve, reject) => {
    req.once('response', resolve)
    req.once('error', reject)
    req.once('timeout', () => reject(new Error('response timed out')))
  })
  response.catch(() => {})
  req.on('error', () => {})
  return { req, response }
}

export const textOf = async (response: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}

export type RawResponse = { status: number; headers: IncomingHttpHeaders; text: string }

/** Sends a request and reads the whole response. */
export const send = async (
  url: string,
  options: Parameters<typeof open>[1] & { body?: string } = {},
): Promise<RawResponse> => {
  const { req, response } = open(url, options)
  req.end(options.body)
  const message = await response
  return { status: message.statusCode ?? 0, headers: message.headers, text: await textOf(message) }
}

/** Writes `text` to a socket. Resolves to all received bytes when the server closes, or nothing arrives for `quietMs`. */
export const sendRaw = (url: string, text: string, quietMs = 3_000): Promise<string> =>
  new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    let received = ''
    const socket = connect({ host: hostname, port: Number(port) }, () => socket.write(text, 'latin1'))
    socket.setTimeout(quietMs, () => socket.destroy())
    socket.setEncoding('latin1')
    socket.on('data', (chunk: string) => {
      received += chunk
    })
    socket.once('error', reject)
    socket.once('close', () => resolve(received))
  })

/** The statuses in the received bytes. */
export const statuses = (received: string): number[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]))
