import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { OutgoingHeaders } from '../request/header-rules.ts'
import type { ForwardedStream } from './event-stream.ts'

/**
 * Each kind has connections of its own. `file`: an upload or a download, which may take long. `stream`: server-sent events, which
 * do not end by themselves. `plain`: any other.
 */
export type RequestKind = 'plain' | 'file' | 'stream'

/** A request to forward. `responseHeaders` maps the service's response headers to those for the client. */
export type ProxiedRequest = {
  method: string
  /** Path with its query string. */
  path: string
  headers: OutgoingHeaders
  body: Readable | Promise<Buffer> | null
  res: ServerResponse
  responseHeaders: (status: number, headers: Record<string, string | string[] | undefined>) => OutgoingHeaders
  kind: RequestKind
  /** What is known of the response to a request of the kind `stream`. */
  stream: ForwardedStream | undefined
  /** The client's `Accept-Encoding`. Undefined if the response must not be compressed. */
  acceptEncoding: string | undefined
}
