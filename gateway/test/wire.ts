import { type ClientRequest, type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { connect } from 'node:net'

/** A request whose headers and body are sent as given; nothing is added but what node:http must. */
export const open = (
  url: string,
  { method = 'GET', headers = {} }: { method?: string; headers?: Record<string, string | string[]> } = {},
): { req: ClientRequest; answer: Promise<IncomingMessage> } => {
  const req = request(url, { method, headers, agent: false, timeout: 20_000 })
  const answer = new Promise<IncomingMessage>((resolve, reject) => {
    req.once('response', resolve)
    req.once('error', reject)
    req.once('timeout', () => reject(new Error('no answer in time')))
  })
  answer.catch(() => {})
  req.on('error', () => {})
  return { req, answer }
}

export const textOf = async (answer: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of answer.setEncoding('utf8')) text += chunk
  return text
}

export type Whole = { status: number; headers: IncomingHttpHeaders; text: string }

/** The whole exchange. */
export const send = async (
  url: string,
  options: Parameters<typeof open>[1] & { body?: string } = {},
): Promise<Whole> => {
  const { req, answer } = open(url, options)
  req.end(options.body)
  const message = await answer
  return { status: message.statusCode ?? 0, headers: message.headers, text: await textOf(message) }
}

/** Bytes on a socket; resolves with all that came back when the other side closes, or nothing came for `quietMs`. */
export const raw = (url: string, text: string, quietMs = 3_000): Promise<string> =>
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

/** Status lines in what came back. */
export const statuses = (received: string): number[] =>
  [...received.matchAll(/HTTP\/1\.1 (\d{3})/g)].map((match) => Number(match[1]))
