import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** One process behind a balancer: its port and the URL of its readiness check. */
export type Backend = { port: number; healthUrl: string }

/**
 * A TCP load balancer that works like a Kubernetes Service. Each new connection goes to the next replica that passed its last
 * readiness check. A replica that refuses the connection is skipped. Open connections stay open.
 */
export type Balancer = { port: number; close(): Promise<void> }

const checkEveryMs = 250
const checkTimeoutMs = 2_500

const isReady = async ({ healthUrl }: Backend): Promise<boolean> => {
  try {
    const response = await fetch(healthUrl, { signal: AbortSignal.timeout(checkTimeoutMs) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

const connectTo = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })

const pipeBothWays = (client: Socket, upstream: Socket): void => {
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on('error', () => other.destroy())
    one.once('close', (failed) => (failed ? other.destroy() : other.end()))
    one.pipe(other)
  }
}

/** Starts a balancer in front of `backends`. */
export const startBalancer = async (backends: Backend[]): Promise<Balancer> => {
  const ready = new Set<Backend>()
  const open = new Set<Socket>()
  let nextIndex = 0
  const timers = backends.map((backend) => {
    let checking = false
    return setInterval(async () => {
      if (checking) return
      checking = true
      const isUp = await isReady(backend)
      checking = false
      if (isUp) ready.add(backend)
      else ready.delete(backend)
    }, checkEveryMs)
  })

  const route = async (client: Socket): Promise<void> => {
    nextIndex += 1
    const first = nextIndex
    const candidates = backends.map((_, index) => backends[(first + index) % backends.length])
    for (const backend of candidates) {
      if (!backend || !ready.has(backend)) continue
      const upstream = await connectTo(backend.port).catch(() => undefined)
      if (!upstream) continue
      if (client.destroyed) return void upstream.destroy()
      open.add(upstream)
      upstream.once('close', () => open.delete(upstream))
      return pipeBothWays(client, upstream)
    }
    client.resetAndDestroy()
  }

  const server = createServer({ noDelay: true }, (client) => {
    open.add(client)
    client.once('close', () => open.delete(client))
    client.on('error', () => {})
    void route(client)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: async () => {
      for (const timer of timers) clearInterval(timer)
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
