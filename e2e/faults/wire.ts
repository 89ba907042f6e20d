import type { AddressInfo } from 'node:net'
import { connect, createServer, type Server, type Socket } from 'node:net'

/** A TCP connection that can be made slow or cut: what stands between a service and its database or broker. */
export type Wire = {
  port: number
  /** Every piece that passes, either way, arrives so much later. */
  delay(ms: number): void
  /** Resets what is open and refuses what comes, until `heal`. */
  cut(): void
  /** Keeps connections open but lets nothing through, until `heal`. */
  stall(): void
  /** What is open is never answered again, and neither end is told; new connections work. */
  strand(): void
  heal(): void
  close(): Promise<void>
}

/** The two ends of one connection; `lost` once nothing passes any more. */
type Pair = { client: Socket; upstream: Socket; lost: boolean }
type Ways = { delayMs(): number; gate(): Promise<void> | undefined }

/** Bytes from one side to the other, in order, each piece held for the delay of its moment. */
const pass = (from: Socket, to: Socket, pair: Pair, { delayMs, gate }: Ways): void => {
  let last = Promise.resolve()
  from.on('data', (chunk: Buffer) => {
    from.pause()
    const ms = delayMs()
    last = last
      .then(() => (ms > 0 ? new Promise<void>((resolve) => setTimeout(resolve, ms)) : undefined))
      .then(gate)
      .then(() => {
        if (pair.lost || to.destroyed || to.write(chunk)) from.resume()
        else to.once('drain', () => from.resume())
      })
  })
  from.on('end', () => void last.then(() => pair.lost || to.end()))
  from.on('error', () => {})
  from.once('close', () => pair.lost || to.destroy())
}

export const openWire = async (target: number): Promise<Wire> => {
  const open = new Set<Pair>()
  let ms = 0
  let refusing = false
  let gate: PromiseWithResolvers<void> | undefined
  const ways: Ways = { delayMs: () => ms, gate: () => gate?.promise }
  const server: Server = createServer((client) => {
    if (refusing) return void client.resetAndDestroy()
    const upstream = connect({ host: '127.0.0.1', port: target, noDelay: true })
    client.setNoDelay(true)
    const pair: Pair = { client, upstream, lost: false }
    open.add(pair)
    pass(client, upstream, pair, ways)
    pass(upstream, client, pair, ways)
    upstream.once('close', () => open.delete(pair))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const drop = (pairs: Iterable<Pair>): void => {
    for (const { client, upstream } of pairs) for (const socket of [client, upstream]) socket.resetAndDestroy()
  }
  const heal = (): void => {
    ms = 0
    refusing = false
    gate?.resolve()
    gate = undefined
    drop([...open].filter(({ lost }) => lost))
  }
  return {
    port: (server.address() as AddressInfo).port,
    delay: (wanted) => {
      ms = wanted
    },
    cut: () => {
      refusing = true
      drop(open)
    },
    stall: () => {
      gate ??= Promise.withResolvers<void>()
    },
    strand: () => {
      for (const pair of open) pair.lost = true
    },
    heal,
    close: async () => {
      heal()
      drop(open)
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
