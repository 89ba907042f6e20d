import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { eventually } from '@clientele/platform/testing/wait'

/** A request that a receiver got. */
export type Received = {
  method: string
  headers: IncomingHttpHeaders
  text: string
  // biome-ignore lint/suspicious/noExplicitAny: tests access any field of an event
  event: any
  at: number
}

type Answer = (req: IncomingMessage, res: ServerResponse, received: Received) => void

const answers: Answer = (_req, res) => void res.writeHead(204).end()

/** A receiver of webhooks: an HTTP server that answers 204, or as `answer` says. */
export const startReceiver = async (answer: Answer = answers) => {
  const requests: Received[] = []
  let respond = answer
  const server = createServer(async (req, res) => {
    const chunks: Buffer[] = []
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk)
    const text = Buffer.concat(chunks).toString()
    const { method = '', headers } = req
    const received = { method, headers, text, event: JSON.parse(text), at: Date.now() }
    requests.push(received)
    respond(req, res, received)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const close = (): Promise<void> => {
    server.closeAllConnections()
    return new Promise((resolve) => server.close(() => resolve()))
  }
  return {
    port,
    url: `http://127.0.0.1:${port}/hooks`,
    requests,
    /** Changes how it answers. */
    answer: (next: Answer = answers): void => {
      respond = next
    },
    ids: (): string[] => requests.map(({ event }) => event.id),
    /** Waits until it got that many requests. */
    until: (count: number, timeoutMs = 15_000): Promise<Received[]> =>
      eventually(
        () => {
          expect(requests.length).toBeGreaterThanOrEqual(count)
          return requests
        },
        { timeoutMs },
      ),
    /** Closes the port; `open` takes the same one again. */
    close,
    open: (): Promise<void> => new Promise((resolve) => server.listen(port, '127.0.0.1', resolve)),
  }
}
export type Receiver = Awaited<ReturnType<typeof startReceiver>>

/** Answers with a status and headers. */
export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_req, res) =>
    void res.writeHead(code, headers).end()
