import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** The response of a handler. `body` is sent as JSON, unless it is undefined. `send` writes the response itself instead. */
export type Result<Status extends number = number, Body = unknown> = {
  status: Status
  body: Body
  headers: Record<string, string>
  send?: (res: ServerResponse) => Promise<void>
}

type Options = { headers?: Record<string, string> }

/** 200 with a body. A single object with a `version` gets a strong ETag. */
export const ok = <T>(body: T, { headers = {} }: Options = {}): Result<200, T> => ({ status: 200, body, headers })
/** 201 with the new resource; `location` is its path. */
export const created = <T>(body: T, location: string): Result<201, T> => ({
  status: 201,
  body,
  headers: { Location: location },
})
/** 202: the work is done later; `location` is the path of its status. */
export const accepted = <T>(body: T, location?: string): Result<202, T> => ({
  status: 202,
  body,
  headers: location === undefined ? {} : { Location: location },
})
/** 204 */
export const noContent = (): Result<204, undefined> => ({ status: 204, body: undefined, headers: {} })
/** 207 with the results of several items. */
export const multiStatus = <T>(body: T): Result<207, T> => ({ status: 207, body, headers: {} })
/** 302 */
export const redirect = (location: string, { headers = {} }: Options = {}): Result<302, undefined> => ({
  status: 302,
  body: undefined,
  headers: { ...headers, Location: location },
})
/** Creates a response that `send` writes, including status and headers. The route declares `200: null` and its other statuses. */
export const streamed = (send: (res: ServerResponse) => Promise<void>): Result<200, undefined> => ({
  status: 200,
  body: undefined,
  headers: {},
  send,
})

const versionOf = (body: unknown): number | undefined => {
  const { version } = (body ?? {}) as { version?: unknown }
  return typeof version === 'number' ? version : undefined
}

/** How many rows a body lists: those of a page, or of another body with `data`. */
export const rowsOf = (body: unknown): number => {
  const { data } = (body ?? {}) as { data?: unknown }
  return Array.isArray(data) ? data.length : 0
}

/**
 * Creates a strong ETag (RFC 9110, section 8.8.3): `"<version>.<hash>"`. `If-Match` uses the version, `If-None-Match` the whole
 * tag.
 */
export const etagOf = (version: number, json: string): string =>
  `"${version}.${createHash('sha1').update(json).digest('base64url').slice(0, 11)}"`

/** Whether an `If-None-Match` header contains this ETag, by weak comparison (RFC 9110, section 13.1.2). */
export const matchesEtag = (header = '', etag: string): boolean =>
  header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')))

/** Sends a result. A GET or HEAD that matches `If-None-Match` gets 304. */
export const sendResult = async (req: IncomingMessage, res: ServerResponse, result: Result): Promise<void> => {
  if (result.send) return result.send(res)
  const { status, body } = result
  if (body === undefined) {
    res.statusCode = status
    for (const [name, value] of Object.entries(result.headers)) res.setHeader(name, value)
    res.end()
    return
  }
  const headers: Record<string, string> = { ...result.headers }
  const json = JSON.stringify(body)
  const version = versionOf(body)
  if (version !== undefined && status < 300) {
    const etag = etagOf(version, json)
    headers['ETag'] = etag
    if ((req.method === 'GET' || req.method === 'HEAD') && matchesEtag(req.headers['if-none-match'], etag)) {
      res.writeHead(304, headers).end()
      return
    }
  }
  headers['Content-Type'] = 'application/json; charset=utf-8'
  headers['Cache-Control'] ??= 'no-store'
  headers['Content-Length'] = String(Buffer.byteLength(json))
  res.writeHead(status, headers).end(req.method === 'HEAD' ? undefined : json)
}
