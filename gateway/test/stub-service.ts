import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { PublicSettings } from '@clientele/contracts/installation'

/** A stub of a service. `handler` serves its public port; its internal port serves readiness and revocations. */
export type StubService = {
  url: string
  internalUrl: string
  server: Server
  internal: Server
  requests: IncomingMessage[]
  revocations: { userId: string; notBefore: string }[]
  ready: boolean
  /** What it tells everybody, see GET /v1/config. */
  settings: PublicSettings
  /** How often the revocations were read. */
  revocationReads: number
  handler: (req: IncomingMessage, res: ServerResponse) => void
  stop(): Promise<void>
}

const listen = (handler: RequestListener, port = 0): Promise<Server> =>
  new Promise((resolve, reject) => {
    const server = createServer({ keepAliveTimeout: 60_000 }, handler)
    server.once('error', reject)
    server.listen(port, '127.0.0.1', () => resolve(server))
  })
const addressOf = (server: Server): string => `http://127.0.0.1:${(server.address() as AddressInfo).port}`
const close = (server: Server): Promise<void> =>
  new Promise((resolve) => {
    server.close(() => resolve())
    server.closeAllConnections()
  })

/** Responds with the request that it received: method, URL, headers and length of the body. */
export const echo = (req: IncomingMessage, res: ServerResponse): void => {
  let bytes = 0
  req.on('data', (chunk: Buffer) => {
    bytes += chunk.length
  })
  req.on('end', () => {
    res.setHeader('content-type', 'application/json')
    res.end(
      JSON.stringify({ method: req.method, url: req.url, headers: req.headers, rawHeaders: req.rawHeaders, bytes }),
    )
  })
}

export const startStubService = async (): Promise<StubService> => {
  const service: StubService = {
    url: '',
    internalUrl: '',
    requests: [],
    revocations: [],
    ready: true,
    settings: {},
    revocationReads: 0,
    handler: echo,
    stop: async () => void (await Promise.all([close(service.server), close(service.internal)])),
    server: await listen((req, res) => {
      service.requests.push(req)
      req.on('error', () => {})
      service.handler(req, res)
    }),
    internal: await listen((req, res) => {
      if (req.url?.startsWith('/revocations')) {
        service.revocationReads += 1
        res.end(JSON.stringify({ data: service.revocations }))
      } else if (req.url === '/settings') res.end(JSON.stringify(service.settings))
      else res.writeHead(service.ready ? 200 : 503).end('{}')
    }),
  }
  service.url = addressOf(service.server)
  service.internalUrl = addressOf(service.internal)
  return service
}
