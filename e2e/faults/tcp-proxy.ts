import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP proxy between a service and its database or RabbitMQ that can slow down, stall or break connections. */
export type TcpProxy = {
  port: number
  /** Delays every chunk in both directions by `ms`. */
  delay(ms: number): void
  /** Resets open connections and refuses new ones until `restore`. */
  disconnect(): void
  /** Keeps connections open but forwards nothing until `restore`. */
  stall(): void
  /** Drops everything on the connections that are open now, without closing them. New connections work. */
  blackhole(): void
  /** Ends all of these conditions. */
  restore(): void
  close(): Promise<void>
}

/** The two ends of one proxied connection. If it is `blackholed`, nothing is forwarded any more. */
type ProxiedConnection = { client: Socket; upstream: Socket; blackholed: boolean }
type Conditions = { delayMs(): number; stalled(): Promise<void> | undefined }

/** Forwards bytes in order, each chunk after the delay that is set when it arrives. */
const forward = (from: Socket, to: Socket, connection: ProxiedConnection, { delayMs, stalled }: Conditions): void => {
  let previous = Promise.resolve()
  from.on('data', (chunk: Buffer) => {
    from.pause()
    const ms = delayMs()
    previous = previous
      .then(() => (ms > 0 ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : undefined))
      .then(stalled)
      .then(() => {
        if (connection.blackholed || to.destroyed || to.write(chunk)) from.resume()
        else to.once('drain', () => from.resume())
      })
  })
  from.on('end', () => void previous.then(() => connection.blackholed || to.end()))
  from.on('error', () => {})
  from.once('close', () => connection.blackholed || to.destroy())
}

export const startTcpProxy = async (target: number): Promise<TcpProxy> => {
  const connections = new Set<ProxiedConnection>()
  let ms = 0
  let refuses = false
  let stalled: PromiseWithResolvers<void> | undefined
  const conditions: Conditions = { delayMs: () => ms, stalled: () => stalled?.promise }
  const server: Server = createServer((client) => {
    if (refuses) return void client.resetAndDestroy()
    const upstream = connect({ host: '127.0.0.1', port: target, noDelay: true })
    client.setNoDelay(true)
    const connection: ProxiedConnection = { client, upstream, blackholed: false }
    connections.add(connection)
    forward(client, upstream, connection, conditions)
    forward(upstream, client, connection, conditions)
    upstream.once('close', () => connections.delete(connection))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const resetAll = (pairs: Iterable<ProxiedConnection>): void => {
    for (const { client, upstream } of pairs) for (const socket of [client, upstream]) socket.resetAndDestroy()
  }
  const restore = (): void => {
    ms = 0
    refuses = false
    stalled?.resolve()
    stalled = undefined
    resetAll([...connections].filter(({ blackholed }) => blackholed))
  }
  return {
    port: (server.address() as AddressInfo).port,
    delay: (wanted) => {
      ms = wanted
    },
    disconnect: () => {
      refuses = true
      resetAll(connections)
    },
    stall: () => {
      stalled ??= Promise.withResolvers<void>()
    },
    blackhole: () => {
      for (const connection of connections) connection.blackholed = true
    },
    restore,
    close: async () => {
      restore()
      resetAll(connections)
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
