import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { testEnv } from '@clientele/platform/testing/database'

type Match = (method: string, path: string) => boolean

/** An HTTP proxy in front of Keycloak that can hold back a request for ever. */
export const startKeycloakProxy = async () => {
  const target = new URL(testEnv('TEST_KEYCLOAK_URL'))
  let held: { match: Match; arrived: () => void } | undefined
  const server = createServer((req, res) => {
    if (held?.match(req.method ?? '', req.url ?? '')) {
      held.arrived()
      held = undefined
      return
    }
    const { method, headers, url: path } = req
    const upstream = request(target, { method, path, headers: { ...headers, host: target.host } }, (response) => {
      res.writeHead(response.statusCode ?? 502, response.headers)
      response.pipe(res)
    })
    upstream.on('error', () => res.destroy())
    res.on('error', () => upstream.destroy())
    req.pipe(upstream)
  }).listen(0, '127.0.0.1')
  await new Promise((resolve) => server.once('listening', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** Holds back the next such request. @returns a promise that resolves when it has arrived */
    holdNext: (match: Match): Promise<void> =>
      new Promise((arrived) => {
        held = { match, arrived }
      }),
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}
