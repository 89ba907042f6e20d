import type { IncomingMessage } from 'node:http'
import { z } from 'zod'
import type { CaughtMessage } from './caught-message.ts'

const maxBytes = 20_000

const Text = z.strictObject({
  to: z.string().regex(/^\+\d{3,20}$/),
  from: z.string().max(100),
  text: z.string().max(5_000),
})

const readBody = async (request: IncomingMessage): Promise<string> => {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length
    if (bytes > maxBytes) throw new Error('the body is too large')
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Reads the text message that a service posts instead of sending it. @returns undefined if it is not one */
export const readText = async (request: IncomingMessage): Promise<Omit<CaughtMessage, 'id'> | undefined> => {
  // Only JSON, so that a web page cannot post messages without a preflight request, which gets no answer here.
  if (request.headers['content-type'] !== 'application/json') return undefined
  const body = await readBody(request)
    .then((json) => Text.safeParse(JSON.parse(json)))
    .catch(() => undefined)
  if (!body?.success) return undefined
  const { to, from, text } = body.data
  const receivedAt = new Date().toISOString()
  return { kind: 'sms', receivedAt, from, to: [to], subject: '', text, html: '', links: linksIn(text) }
}

/** The http(s) URLs in a text, each once. */
export const linksIn = (text: string): string[] => [...new Set(text.match(/https?:\/\/[^\s"'<>]+/g) ?? [])]
