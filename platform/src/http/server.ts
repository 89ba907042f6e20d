import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
  STATUS_CODES,
} from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { v7 } from 'uuid'
import { Problem } from '../runtime/problem.ts'
import { counter, gauge } from '../runtime/telemetry.ts'
import { sendErrorResponse } from './error-response.ts'

/** A listening HTTP server. */
export type ListeningServer = {
  url: string
  server: Server
  /** Sends `Connection: close` with every response from now on, so that clients reconnect to another replica. */
  disableKeepAlive(): void
  /** Accepts no new connections and waits for requests in flight. Closes all connections after `timeoutMs`. */
  drain(timeoutMs: number): Promise<void>
}

const parserProblems: Record<string, Problem> = {
  HPE_HEADER_OVERFLOW: new Problem('header_too_large'),
  ERR_HTTP_REQUEST_TIMEOUT: new Problem('timeout'),
}

const unparsable = counter('http_unreadable_total', 'Requests that the HTTP parser rejected')
const openServers = new Set<Server>()
gauge('http_connections', 'Open connections to the public and the internal port', [], async function () {
  const counts = [...openServers].map(
    (server) => new Promise<number>((resolve) => server.getConnections((_error, count) => resolve(count))),
  )
  this.set((await Promise.all(counts)).reduce((sum, count) => sum + count, 0))
})

/** Responds with a problem to requests that Node's parser rejects, since they never reach the app. */
const rejectUnparsable = (error: NodeJS.ErrnoException, socket: Duplex): void => {
  if (!socket.writable || error.code === 'ECONNRESET') return void socket.destroy()
  unparsable.inc()
  const problem =
    parserProblems[error.code ?? ''] ??
    new Problem('malformed', { detail: 'the request line or a header is not valid HTTP/1.1' })
  const requestId = v7()
  const body = JSON.stringify(problem.toBody({ requestId }))
  const head = `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}\r\nContent-Type: application/problem+json; charset=utf-8\r\nX-Request-Id: ${requestId}\r\n`
  socket.end(`${head}Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
}

const reject = (req: IncomingMessage, res: ServerResponse, problem: Problem): void => {
  res.setHeader('X-Request-Id', v7())
  sendErrorResponse(problem, req, res)
}

const hostMissing = new Problem('malformed', { detail: 'the Host header is missing' })

type Options = {
  host: string
  port: number
  requestTimeoutMs: number
  maxConnections?: number
  /** Called with every new connection, before anything is read from it. It may destroy the connection. */
  onConnection?: ((socket: Socket) => void) | undefined
}

const keepAliveMs = 75_000
/** The timeout of idle connections while more than half of all connections are open. */
const busyKeepAliveMs = 5_000

/** Closes idle connections sooner while there are many connections. */
const shortenKeepAliveUnderLoad = (server: Server, maxConnections: number): void => {
  let open = 0
  const count = (change: number): void => {
    open += change
    server.keepAliveTimeout = open > maxConnections / 2 ? busyKeepAliveMs : keepAliveMs
  }
  server.on('connection', (socket) => {
    count(1)
    socket.once('close', () => count(-1))
  })
}

/**
 * Starts an HTTP server. Idle keep-alive connections are closed after 75 s, so that the connection pools of clients close them
 * first; while more than half of `maxConnections` are open, after 5 s. Headers must arrive within 10 s, the whole request within
 * `requestTimeoutMs`.
 * @throws Error (EADDRINUSE) if the port is in use
 */
export const listen = async (
  listener: RequestListener,
  { host, port, requestTimeoutMs, maxConnections = 10_000, onConnection }: Options,
): Promise<ListeningServer> => {
  let closing = false
  // The responses that are not finished. Overriding writeHead instead would not work, because Express replaces the prototype of
  // each response.
  const pending = new Set<ServerResponse>()
  const disableKeepAlive = (): void => {
    closing = true
    for (const res of pending) if (!res.headersSent) res.setHeader('Connection', 'close')
  }
  const server = createServer(
    {
      keepAliveTimeout: keepAliveMs,
      headersTimeout: 10_000,
      requestTimeout: requestTimeoutMs,
      connectionsCheckingInterval: 2_000,
      // Node then creates no stream for a request without a body.
      optimizeEmptyRequests: true,
      // Node's own response to a missing Host has no body.
      requireHostHeader: false,
    },
    (req, res) => {
      pending.add(res)
      res.once('close', () => pending.delete(res))
      if (closing) res.setHeader('Connection', 'close')
      if (req.headers.host === undefined && req.httpVersion === '1.1') return reject(req, res, hostMissing)
      return listener(req, res)
    },
  )
  server.maxConnections = maxConnections
  // Before Node's own listener, which creates a parser.
  if (onConnection) server.prependListener('connection', onConnection)
  shortenKeepAliveUnderLoad(server, maxConnections)
  server.on('clientError', rejectUnparsable)
  server.on('checkExpectation', (req, res) => reject(req, res, new Problem('expectation_failed')))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, host, () => {
      server.off('error', reject)
      resolve()
    })
  })
  openServers.add(server)
  server.once('close', () => openServers.delete(server))
  const { port: actual } = server.address() as AddressInfo
  return {
    url: `http://${host === '0.0.0.0' || host === '::' ? 'localhost' : host}:${actual}`,
    server,
    disableKeepAlive,
    drain: async (timeoutMs) => {
      disableKeepAlive()
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      const idle = setInterval(() => server.closeIdleConnections(), 100)
      const timeout = setTimeout(() => server.closeAllConnections(), timeoutMs)
      await closed
      clearInterval(idle)
      clearTimeout(timeout)
    },
  }
}
