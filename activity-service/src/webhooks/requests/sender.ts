import type { Dispatcher } from 'undici'
import { signatureOf } from '../secrets.ts'
import type { WebhookTiming } from '../timing.ts'
import type { AddressCheck } from './addresses.ts'
import { AddressRefused, guardedConnector, NameUnknown, type Resolve } from './connector.ts'
import { parseRetryAfter } from './retry-after.ts'

/** What is sent: `id` is that of the event, so it stays the same with every attempt. */
export type OutgoingRequest = { url: string; id: string; body: Buffer; secrets: readonly string[] }

/** How an attempt ended. `error` is null if the receiver has responded with 2xx. */
export type Outcome = {
  at: Date
  responseStatus: number | null
  error: string | null
  durationMs: number
  answer: string | null
  /** The time that the receiver has asked for, in milliseconds from now. */
  retryAfterMs: number | null
}

type Answered = Pick<Outcome, 'responseStatus' | 'error' | 'answer' | 'retryAfterMs'>

const maxAnswerBytes = 64_000
const keptAnswerBytes = 1_024
const maxHeaderBytes = 16_384
const goodStatus = (status: number): boolean => status >= 200 && status < 300

/** The beginning of an answer, without what could disturb a console or a log. */
const textOf = (bytes: Buffer): string =>
  bytes
    .subarray(0, keptAnswerBytes)
    .toString()
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .replaceAll('\uFFFD', '')

/** Reads the beginning of an answer. The status alone decides, so it does not matter how the rest ends. */
const readAnswer = async (body: Dispatcher.ResponseData['body']): Promise<string> => {
  const chunks: Buffer[] = []
  let size = 0
  try {
    for await (const chunk of body as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      size += chunk.length
      if (size >= maxAnswerBytes) break
    }
  } catch {
    // It was cut off, or took too long.
  }
  body.destroy()
  return textOf(Buffer.concat(chunks))
}

const tlsError = /^(?:ERR_TLS|ERR_SSL|CERT|DEPTH_ZERO|SELF_SIGNED|UNABLE_TO|HOSTNAME_MISMATCH|EPROTO)/

/** Names why there was no response. */
const reasonOf = (error: unknown): string => {
  if (error instanceof AddressRefused) return 'address'
  if (error instanceof NameUnknown) return 'dns'
  const { name, code = '' } = error as { name?: string; code?: string }
  if (name === 'TimeoutError' || /TIMEOUT|ETIMEDOUT/.test(code)) return 'timeout'
  if (code === 'ECONNREFUSED') return 'refused'
  return tlsError.test(code) ? 'tls' : 'connection'
}

type Deps = { resolve: Resolve; isAllowed: AddressCheck; timing: WebhookTiming; tls?: { ca: string } | undefined }

/** Creates what sends requests to receivers. It follows no redirects, keeps no cookies and uses no proxy of the environment. */
export const createSender = ({ resolve, isAllowed, timing, tls }: Deps) => {
  const { connectTimeoutMs, requestTimeoutMs } = timing

  const openAgent = async (): Promise<Dispatcher> => {
    const { Agent, buildConnector } = await import('undici')
    // An address that does not answer leaves time for the next one.
    const connect = buildConnector({ ...tls, timeout: connectTimeoutMs * 0.6, allowH2: false })
    return new Agent({
      pipelining: 1,
      maxHeaderSize: maxHeaderBytes,
      headersTimeout: requestTimeoutMs,
      bodyTimeout: requestTimeoutMs,
      connect: guardedConnector(connect, { resolve, isAllowed, timeoutMs: connectTimeoutMs }),
    })
  }
  // undici is loaded with the first request, because its HTTP parser takes memory.
  let agent: Promise<Dispatcher> | undefined

  const post = async (
    { url, id, body, secrets }: OutgoingRequest,
    at: Date,
    signal: AbortSignal,
  ): Promise<Answered> => {
    agent ??= openAgent()
    const [dispatcher, { request }] = await Promise.all([agent, import('undici')])
    const timestamp = Math.floor(at.getTime() / 1000)
    const response = await request(url, {
      method: 'POST',
      dispatcher,
      signal,
      headers: {
        'content-type': 'application/json',
        'user-agent': 'Clientele-Webhooks/1',
        'webhook-id': id,
        'webhook-timestamp': String(timestamp),
        'webhook-signature': signatureOf(secrets, id, timestamp, body),
      },
      body,
    })
    const { statusCode, headers } = response
    const retryAfter = statusCode === 429 || statusCode === 503 ? headers['retry-after'] : undefined
    return {
      responseStatus: statusCode,
      error: goodStatus(statusCode) ? null : 'status',
      answer: await readAnswer(response.body),
      retryAfterMs: parseRetryAfter(retryAfter, timing.maxRetryAfterMs),
    }
  }

  return {
    /** Sends one request. It never rejects. */
    send: async (outgoing: OutgoingRequest, signal?: AbortSignal): Promise<Outcome> => {
      const at = new Date()
      const startedAt = performance.now()
      const limits = [AbortSignal.timeout(requestTimeoutMs), ...(signal ? [signal] : [])]
      const answered = await post(outgoing, at, AbortSignal.any(limits)).catch(
        (error: unknown): Answered => ({
          responseStatus: null,
          error: reasonOf(error),
          answer: null,
          retryAfterMs: null,
        }),
      )
      return { at, durationMs: Math.round(performance.now() - startedAt), ...answered }
    },
    close: async (): Promise<void> => void (await agent)?.destroy(),
  }
}
export type Sender = ReturnType<typeof createSender>
