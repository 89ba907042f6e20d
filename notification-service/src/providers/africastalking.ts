import type { Dispatcher } from 'undici'
import { outcomeOfAnswer, outcomeOfStatus } from './africastalking.codes.ts'
import { type Outcome, type Provider, plainReason } from './provider.ts'

type Options = {
  username: string
  apiKey: string
  senderId?: string | undefined
  url?: string | undefined
  timeoutMs: number
  connections: number
}

const live = 'https://api.africastalking.com'
const sandbox = 'https://api.sandbox.africastalking.com'
const connectMs = 5_000
const maxAnswerBytes = 100_000

/** No connection came about, so nothing was sent. */
class NotConnected extends Error {
  override name = 'NotConnected'
}

const openAgent = async ({ timeoutMs, connections }: Options): Promise<Dispatcher> => {
  const { Agent, buildConnector } = await import('undici')
  const connect = buildConnector({ timeout: connectMs, allowH2: false })
  return new Agent({
    connections,
    // A kept connection that the other side closes while a request goes out would leave every such outcome unknown.
    pipelining: 0,
    headersTimeout: timeoutMs,
    bodyTimeout: timeoutMs,
    connect: (options, callback) =>
      connect(options, (error, socket) =>
        error ? callback(new NotConnected('no connection', { cause: error }), null) : callback(null, socket as never),
      ),
  })
}

const causeOf = (error: NotConnected): string => {
  const { code, errors } = error.cause as { code?: unknown; errors?: { code?: unknown }[] }
  return plainReason(`not_connected ${code ?? errors?.[0]?.code ?? ''}`)
}

const bodyOf = async (body: Dispatcher.ResponseData['body']): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxAnswerBytes) throw new Error('the answer is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Texts by Africa's Talking: https://developers.africastalking.com/docs/sms/sending/bulk */
export const createAfricastalking = (options: Options): Provider => {
  const { username, apiKey, senderId, timeoutMs } = options
  const url = `${options.url ?? (username === 'sandbox' ? sandbox : live)}/version1/messaging`
  // Loaded with the first text: its HTTP parser takes memory.
  let opened: Promise<Dispatcher> | undefined

  const post = async (to: string, message: string, signal: AbortSignal): Promise<Outcome> => {
    opened ??= openAgent(options)
    const [dispatcher, { request }] = await Promise.all([opened, import('undici')])
    const form = new URLSearchParams({ username, to, message, ...(senderId !== undefined && { from: senderId }) })
    const answer = await request(url, {
      method: 'POST',
      dispatcher,
      signal: AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]),
      headers: { apiKey, accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' },
      body: form.toString(),
    })
    const { statusCode, body } = answer
    if (statusCode === 200 || statusCode === 201) return outcomeOfAnswer(await bodyOf(body))
    await body.dump().catch(() => {})
    return outcomeOfStatus(statusCode)
  }

  return {
    name: 'africastalking',
    channel: 'sms',
    send: ({ to, text }, signal) =>
      post(to, text, signal).catch((error: unknown): Outcome => {
        if (error instanceof NotConnected) return { kind: 'not_taken', reason: causeOf(error) }
        const { name, code } = error as { name?: unknown; code?: unknown }
        return { kind: 'unknown', reason: plainReason(String(code ?? name)) }
      }),
    close: async () => void (await opened)?.destroy(),
  }
}
