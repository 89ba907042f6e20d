import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

/** A receiver of webhooks. */
export type Receiver = {
  name: string
  /** Whether the events of each record must arrive in their order. */
  ordered: boolean
  /** The number of the last event before the webhook was created. */
  position: number
  /** The ids of the events in the order in which they were first accepted. */
  ids: readonly string[]
  /** Waits until it has that many events, at most two minutes, and stops it. */
  finish(count: number): Promise<void>
}

const kinds = ['customer', 'product', 'order', 'notification', 'media', 'user', 'import', 'audit', 'webhook']

const listen = async (server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return (server.address() as AddressInfo).port
}

type Options = {
  gateway: string
  token: string
  name: string
  ordered?: boolean
  /** Whether the first attempt of every seventh event gets 503. */
  refusesSome?: boolean
}

/** Creates a webhook for all events, and what receives them. */
export const startReceiver = async (options: Options): Promise<Receiver> => {
  const { gateway, token, name, ordered = false, refusesSome = false } = options
  const ids = new Set<string>()
  const attempted = new Set<string>()
  const server = createServer((req, res) => {
    req.resume().on('end', () => {
      const id = String(req.headers['webhook-id'])
      const isRefused = refusesSome && !attempted.has(id) && attempted.size % 7 === 6
      attempted.add(id)
      if (!isRefused) ids.add(id)
      res.writeHead(isRefused ? 503 : 204).end()
    })
  })
  const url = `http://127.0.0.1:${await listen(server)}/${encodeURIComponent(name)}`
  const response = await fetch(`${gateway}/v1/webhooks`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
    body: JSON.stringify({ url, ordered, events: kinds.map((kind) => `${kind}.*`) }),
    signal: AbortSignal.timeout(20_000),
  })
  if (response.status !== 201) throw new Error(`the webhook was not created: ${await response.text()}`)
  const { position } = (await response.json()) as { position: number }
  return {
    name,
    ordered,
    position,
    get ids() {
      return [...ids]
    },
    finish: async (count) => {
      for (const until = Date.now() + 120_000; ids.size < count && Date.now() < until; ) await pause(200)
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
