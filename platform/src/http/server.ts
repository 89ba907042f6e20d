import { createServer, type RequestListener, type Server, type ServerResponse, STATUS_CODES } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { v7 } from 'uuid'
import { Problem } from '../runtime/problem.ts'
import { counter, gauge } from '../runtime/telemetry.ts'

/** A listening HTTP server that can be drained. */
export type Listening = {
  url: string
  server: Server
  /** From now on every answer is the last one of its connection: clients come back on a new one, to another replica. */
  retire(): void
  /** Takes no new connections, answers what is under way, then resolves; after `deadlineMs` the rest is cut. */
  drain(deadlineMs: number): Promise<void>
}

const parserProblems: Record<string, Problem> = {
  HPE_HEADER_OVERFLOW: new Problem('header_too_large'),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem('timeout'),
}

const unreadable = counter('http_unreadable_total', 'Requests that the HTTP parser refused')
const open = new Set<Server>()
gauge('http_connections', 'Open connections to the public and the internal port', [], async function () {
  const counts = [...open].map(
    (server) => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count))),
  )
  this.set((await Promise.all(counts)).reduce((sum, count) => sum + count, 0))
})

/** Requests that Node's parser refuses never reach the app; they get a problem, too. */
const refuse = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  unreadable.inc()
  const problem =
    parserProblems[error.code ?? ''] ??
    new Problem('malformed', { detail: 'the request line or a header is not valid HTTP/1.1' })
  const requestId = v7()
  const body = JSON.stringify(problem.toBody({ requestId }))
  const head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\nX-Request-Id: ${requestId}\r\n`
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}

type Options = { host: string; port: number; requestTimeoutMs: number; maxConnections?: number }

/**
 * Serves `listener`. Idle kept-alive connections live 75 s, longer than a client's pool keeps them; headers must arrive
 * within 10 s and a whole request within `requestTimeoutMs`.
 * @throws Error (EADDRINUSE) for a taken port
 */
export const listen = async (
  listener: RequestListener,
  { host, port, requestTimeoutMs, maxConnections = 10_000 }: Options,
): Promise<Listening> => {
  let retiring = false
  // An override of writeHead would be lost: Express replaces the prototype of each response.
  const pending = new Set<ServerResponse>()
  const retire = (): void => {
    retiring = true
    for (const res of pending) if (!res.headersSent) res.setHeader('Connection', 'close')
  }
  const server = createServer(
    {
      keepAliveTimeout: 75_000,
      headersTimeout: 10_000,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: 2_000,
      // A request without a body needs no stream for it.
      optimizeEmptyRequests: true,
    },
    (req, res) => {
      pending.add(res)
      res.once('close', () => pending.delete(res))
      if (retiring) res.setHeader('Connection', 'close')
      return listener(req, res)
    },
  )
  server.maxConnections = maxConnections
  server.on('clientError', refuse)
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  open.add(server)
  server.once('close', () => open.delete(server))
  const { port: actual } = server.address() as AddressInfo
  return {
    url: `http://${host === '0.0.0.0' || host === '::' ? 'localhost' : host}:${actual}`,
    server,
    retire,
    drain: async (deadlineMs) => {
      retire()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const idle = setInterval(() => server.closeIdleConnections(), 100)
      const deadline = setTimeout(() => server.closeAllConnections(), deadlineMs)
      await closed
      clearInterval(idle)
      clearTimeout(deadline)
    },
  }
}
