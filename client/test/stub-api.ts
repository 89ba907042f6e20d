import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What the API received. */
export type Received = { method: string; path: string; headers: IncomingMessage['headers']; body: string }
/** A response: a status with a body and headers, or a function that responds by itself. */
export type Reply =
  | { status: number; body?: unknown; headers?: Record<string, string> }
  | ((res: ServerResponse) => void)

/** A server that sends the given replies, one for each request, and the last one again and again. */
export type StubApi = Awaited<ReturnType<typeof startStubApi>>

const bodyOf = async (req: IncomingMessage): Promise<string> => {
  let text = ''
  for await (const chunk of req) text += chunk
  return text
}

export const startStubApi = async (replies: Reply[] = []) => {
  const received: Received[] = []
  let handler = (_request: Received): Reply => {
    const next = replies.length > 1 ? replies.shift() : replies[0]
    return next ?? { status: 204 }
  }
  const server = createServer(async (req, res) => {
    const request = { method: req.method ?? '', path: req.url ?? '', headers: req.headers, body: await bodyOf(req) }
    received.push(request)
    const reply = handler(request)
    if (typeof reply === 'function') return reply(res)
    const type = reply.status < 400 ? 'application/json' : 'application/problem+json'
    res.writeHead(reply.status, { 'content-type': type, ...reply.headers })
    res.end(reply.body === undefined ? undefined : JSON.stringify(reply.body))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    received,
    /** Responds by the request instead of in turn. */
    respond: (respond: (request: Received) => Reply): void => {
      handler = respond
    },
    stop: (): Promise<void> => {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

/** An error response of the API. */
export const problem = (status: number, code: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: { type: `/problems/${code}`, title: code, status, code, requestId: 'r-1' },
})
