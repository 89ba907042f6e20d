import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * How the provider handles a request: `take` accepts the message, `hold` accepts it but responds only after `release`, `held` then
 * responds with a status, `drop` closes the connection.
 */
export type Behaviour =
  | 'take'
  | 'hold'
  | 'drop'
  | { status: number; body?: string }
  | { held: number }
  | { recipient: { statusCode: number; status: string } }
  | { message: string }

/** A request that the provider got, with the id that it gave to the message. */
export type SeenText = {
  headers: IncomingMessage['headers']
  path: string
  form: Record<string, string>
  messageId: string
}

/** A local server with Africa's Talking's messaging API. */
export type FakeProvider = Awaited<ReturnType<typeof startAfricastalking>>

let ids = 0

const formOf = async (req: IncomingMessage): Promise<Record<string, string>> => {
  const chunks: Buffer[] = []
  for await (const chunk of req) chunks.push(chunk)
  return Object.fromEntries(new URLSearchParams(Buffer.concat(chunks).toString()))
}

const response = (to: string, messageId: string, statusCode = 101, status = 'Success') =>
  JSON.stringify({
    SMSMessageData: {
      Message: 'Sent to 1/1 Total Cost: KES 0.8000',
      Recipients: [{ statusCode, number: to, status, cost: 'KES 0.8000', messageId }],
    },
  })

export const startAfricastalking = async () => {
  const seen: SeenText[] = []
  const behaviours: Behaviour[] = []
  const held: (() => void)[] = []
  let usual: Behaviour = 'take'

  const reply = (res: ServerResponse, status: number, body: string) =>
    void res.writeHead(status, { 'content-type': 'application/json' }).end(body)

  const serve = async (req: IncomingMessage, res: ServerResponse) => {
    const form = await formOf(req)
    const to = form['to'] ?? ''
    const messageId = `ATXid_${process.pid}_${++ids}`
    seen.push({ headers: req.headers, path: req.url ?? '', form, messageId })
    const behaviour = behaviours.shift() ?? usual
    if (behaviour === 'take') return reply(res, 201, response(to, messageId))
    if (behaviour === 'hold') return void held.push(() => reply(res, 201, response(to, messageId)))
    if (behaviour === 'drop') return void req.socket.destroy()
    if ('held' in behaviour) return void held.push(() => reply(res, behaviour.held, 'no'))
    if ('status' in behaviour) return reply(res, behaviour.status, behaviour.body ?? 'no')
    if ('message' in behaviour)
      return reply(res, 201, JSON.stringify({ SMSMessageData: { Message: behaviour.message, Recipients: [] } }))
    const { statusCode, status } = behaviour.recipient
    reply(res, 201, response(to, 'None', statusCode, status))
  }

  const server = createServer((req, res) => void serve(req, res).catch(() => res.destroy()))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    /** The requests for a number, by default for all. */
    seen: (to?: string) => seen.filter(({ form }) => to === undefined || form['to'] === to),
    /** Sets the behaviours of the next requests, in order. */
    next: (...some: Behaviour[]) => void behaviours.push(...some),
    always: (behaviour: Behaviour) => {
      usual = behaviour
    },
    release: () => {
      for (const go of held.splice(0)) go()
    },
    stop: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
