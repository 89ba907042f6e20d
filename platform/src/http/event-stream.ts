import type { ServerResponse } from 'node:http'
import type { Request } from 'express'
import { currentContext } from '../runtime/context.ts'
import { Problem } from '../runtime/problem.ts'
import { type Result, streamed } from './response.ts'

/** The media type of server-sent events (WHATWG HTML, section 9.2). */
export const eventStreamType = 'text/event-stream'

/** @throws Problem 406 if a client wants something else than server-sent events */
export const assertAcceptsEvents = (req: Request): void => {
  if (req.accepts(eventStreamType) !== false) return
  throw new Problem('not_acceptable', {
    detail: `this is a stream of server-sent events: ask for it with \`Accept: ${eventStreamType}\``,
    extra: { supported: [eventStreamType] },
  })
}

const lineBreak = /\r\n|\r|\n/

/**
 * One server-sent event. `data` may have several lines. An event without `data` only tells the `id`: clients continue after it, and
 * call nobody.
 */
export const eventFrame = ({ id, event, data }: { id?: number; event?: string; data?: string }): string => {
  const lines = [
    ...(id === undefined ? [] : [`id: ${id}`]),
    ...(event === undefined ? [] : [`event: ${event}`]),
    ...(data === undefined ? [] : data.split(lineBreak).map((line) => `data: ${line}`)),
  ]
  return `${lines.join('\n')}\n\n`
}

// Proxies must neither collect nor compress what is to arrive at once. nginx reads the last header.
const headers = {
  'Content-Type': `${eventStreamType}; charset=utf-8`,
  'Cache-Control': 'no-cache, no-transform',
  'X-Accel-Buffering': 'no',
}

/**
 * 200 with server-sent events. `open` writes frames to the response until it ends it or the client disconnects; it returns at once.
 * `retryMs` is how long a client waits before it connects again. The request counts as answered when the stream begins.
 */
export const eventStream = (
  req: Request,
  { retryMs, open }: { retryMs: number; open(res: ServerResponse): void },
): Result<200, undefined> =>
  streamed(async (res) => {
    const context = currentContext()
    if (context) context.streamingSince = performance.now()
    res.on('error', () => {})
    res.writeHead(200, headers)
    if (req.method === 'HEAD') return void res.end()
    res.write(`retry: ${retryMs}\n\n`)
    open(res)
  })
