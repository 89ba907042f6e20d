import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** One process behind a balancer: its port, and where it tells whether it is ready. */
export type Member = { port: number; healthUrl: string }

/**
 * What a Kubernetes Service does for its pods: each new connection goes to the next replica that was ready when it was
 * last asked, one that refuses is passed over, and connections that are open stay open.
 */
export type Balancer = { port: number; close(): Promise<void> }

const askEveryMs = 250
const askMs = 2_500

const isReady = async ({ healthUrl }: Member): Promise<boolean> => {
  try {
    const response = await fetch(healthUrl, { signal: AbortSignal.timeout(askMs) })
    await response.body?.cancel()
    return response.ok
  } catch {
    return false
  }
}

const dial = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port, noDelay: true })
    socket.once('error', reject)
    socket.once('connect', () => {
      socket.off('error', reject)
      resolve(socket)
    })
  })

const join = (client: Socket, upstream: Socket): void => {
  for (const [one, other] of [
    [client, upstream],
    [upstream, client],
  ] as const) {
    one.on('error', () => other.destroy())
    one.once('close', (failed) => (failed ? other.destroy() : other.end()))
    one.pipe(other)
  }
}

/** Balances connections over the ready ones of `members`. */
export const startBalancer = async (members: Member[]): Promise<Balancer> => {
  const ready = new Set<Member>()
  const open = new Set<Socket>()
  let turn = 0
  const watch = members.map((member) => {
    let asking = false
    return setInterval(async () => {
      if (asking) return
      asking = true
      const is = await isReady(member)
      asking = false
      if (is) ready.add(member)
      else ready.delete(member)
    }, askEveryMs)
  })

  const route = async (client: Socket): Promise<void> => {
    turn += 1
    const first = turn
    const candidates = members.map((_, index) => members[(first + index) % members.length])
    for (const member of candidates) {
      if (!member || !ready.has(member)) continue
      const upstream = await dial(member.port).catch(() => undefined)
      if (!upstream) continue
      if (client.destroyed) return void upstream.destroy()
      open.add(upstream)
      upstream.once('close', () => open.delete(upstream))
      return join(client, upstream)
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
      for (const timer of watch) clearInterval(timer)
      for (const socket of open) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
