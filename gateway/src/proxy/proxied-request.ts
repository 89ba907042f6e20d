import type { ServerResponse } from 'node:http'
import type { Readable } from 'node:stream'
import type { OutHeaders } from '../request/header-rules.ts'

/** A request to forward. `responseHeaders` makes the headers for the client from the service's. */
export type ProxiedRequest = {
  method: string
  /** Path with its query string. */
  path: string
  headers: OutHeaders
  body: Readable | Promise<Buffer> | null
  res: ServerResponse
  responseHeaders: (headers: Record<string, string | string[] | undefined>) => OutHeaders
  /** A stream of events: no limit on silence, connections of its own. */
  stream: boolean
}
