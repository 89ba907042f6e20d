import type { ServerResponse } from 'node:http'

const bye = 'event: bye\ndata: {"reason":"shutdown"}\n\n'
/** How long a stream may take to the end of an event, and its client to read the end. */
const endMs = 2_000

const lineFeed = 0x0a

/** An event stream that is forwarded to a client. It can be ended between two events, so that the client does not see half of one. */
export const createForwardedStream = (res: ServerResponse) => {
  let isBetweenEvents = true
  let lastByte = lineFeed
  let isEnding = false
  let isEventStream = false

  const finish = (): void => {
    if (isBetweenEvents && !res.writableEnded) res.end(bye)
  }

  return {
    /** To be called with the type of the response. It is another one if the service refuses the request. */
    begin: (contentType: unknown): void => {
      isEventStream = String(contentType).startsWith('text/event-stream')
    },
    /** To be called with each chunk that was written to the client. */
    written: (chunk: Buffer): void => {
      const end = chunk.at(-1)
      const before = chunk.length > 1 ? chunk.at(-2) : lastByte
      isBetweenEvents = end === lineFeed && before === lineFeed
      lastByte = end ?? lastByte
      if (isEnding) finish()
    },
    /** Says goodbye and ends the stream, so that its client connects to another gateway. */
    end: (): void => {
      if (isEnding || res.destroyed) return
      if (!res.headersSent) return void res.destroy()
      if (!isEventStream) return
      isEnding = true
      const timer = setTimeout(() => res.destroy(), endMs)
      res.once('close', () => clearTimeout(timer))
      finish()
    },
  }
}
export type ForwardedStream = ReturnType<typeof createForwardedStream>
