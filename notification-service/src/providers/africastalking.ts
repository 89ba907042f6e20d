import type { Dispatcher } from 'undici'
import { outcomeOfResponse, outcomeOfStatus } from './africastalking.codes.ts'
import { type Outcome, type Provider, shortReason } from './provider.ts'

type Options = {
  username: string
  apiKey: string
  senderId?: string | undefined
  url?: string | undefined
  timeoutMs: number
  connections: number
}

const liveUrl = 'https://api.africastalking.com'
const sandboxUrl = 'https://api.sandbox.africastalking.com'
const connectTimeoutMs = 5_000
const maxResponseBytes = 100_000

/** The connection could not be established, so nothing was sent. */
class NotConnected extends Error {
  override name = 'NotConnected'
}

const openAgent = async ({ timeoutMs, connections }: Options): Promise<Dispatcher> => {
  const { Agent, buildConnector } = await import('undici')
  const connect = buildConnector({ timeout: connectTimeoutMs, allowH2: false })
  return new Agent({
    connections,
    // Every request gets a new connection. If the server closed a reused one during a request, the outcome would be unknown.
    pipelining: 0,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: (options, callback) =>
      connect(options, (error, socket) =>
        error ? callback(new NotConnected('no connection', { cause: error }), null) : callback(null, socket as never),
      ),
  })
}

const reasonOf = (error: NotConnected): string => {
  const { code, errors } = error.cause as { code?: unknown; errors?: { code?: unknown }[] }
  return shortReason(`not_connected ${code ?? errors?.[0]?.code ?? ''}`)
}

const readBody = async (body: Dispatcher.ResponseData['body']): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxResponseBytes) throw new Error('the response is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Sends SMS by Africa's Talking: https://developers.africastalking.com/docs/sms/sending/bulk */
export const createAfricastalking = (options: Options): Provider => {
  const { username, apiKey, senderId, timeoutMs } = options
  const url = `${options.url ?? (username === 'sandbox' ? sandboxUrl : liveUrl)}/version1/messaging`
  // undici is loaded with the first message, because its HTTP parser takes memory.
  let agent: Promise<Dispatcher> | undefined

  const post = async (to: string, message: string, signal: AbortSignal): Promise<Outcome> => {
    agent ??= openAgent(options)
    const [dispatcher, { request }] = await Promise.all([agent, import('undici')])
    const form = new URLSearchParams({ username, to, message, ...(senderId !== undefined && { from: senderId }) })
    const response = await request(url, {
      method: 'POST',
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: { apiKey, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    })
    const { statusCode, body } = response
    if (statusCode === 200 || statusCode === 201) return outcomeOfResponse(await readBody(body))
    await body.dump().catch(() => {})
    return outcomeOfStatus(statusCode)
  }

  return {
    name: 'africastalking',
    channel: 'sms',
    send: ({ to, text }, signal) =>
      post(to, text, signal).catch((error: unknown): Outcome => {
        if (error instanceof NotConnected) return { kind: 'not_accepted', reason: reasonOf(error) }
        const { name, code } = error as { name?: unknown; code?: unknown }
        return { kind: 'unknown', reason: shortReason(String(code ?? name)) }
      }),
    close: async () => void (await agent)?.destroy(),
  }
}
