import { createHash } from 'node:crypto'
import type { IncomingMessage, ServerResponse } from 'node:http'

/** What a handler answers. `body` is sent as JSON, nothing if undefined; `send` streams instead. */
export type Result<Status extends number = number, Body = unknown> = {
  status: Status
  body: Body
  headers: Record<string, string>
  send?: (res: ServerResponse) => Promise<void>
}

type Options = { headers?: Record<string, string> }

/** 200 with a body. A single object with a `version` gets a strong ETag. */
export const ok = <T>(body: T, { headers = {} }: Options = {}): Result<200, T> => ({ status: 200, body, headers })
/** 201 with the new resource and its address. */
export const created = <T>(body: T, location: string): Result<201, T> => ({
  status: 201,
  body,
  headers: { Location: location },
})
/** 202: it will be done; `location` is where to look. */
export const accepted = <T>(body: T, location?: string): Result<202, T> => ({
  status: 202,
  body,
  headers: location === undefined ? {} : { Location: location },
})
/** 204 */
export const noContent = (): Result<204, undefined> => ({ status: 204, body: undefined, headers: {} })
/** 207: a list of results of which some failed. */
export const multiStatus = <T>(body: T): Result<207, T> => ({ status: 207, body, headers: {} })
/** 302 */
export const redirect = (location: string, { headers = {} }: Options = {}): Result<302, undefined> => ({
  status: 302,
  body: undefined,
  headers: { ...headers, Location: location },
})
/** An answer that `send` writes itself, status and headers included; the route declares `200: null` and what else it may be. */
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

/** A strong ETag (RFC 9110, section 8.8.3): `"<version>.<hash>"`; the version serves If-Match, the whole If-None-Match. */
export const etagOf = (version: number, json: string): string =>
  `"${version}.${createHash('sha1').update(json).digest('base64url').slice(0, 11)}"`

/** Whether an `If-None-Match` header names this ETag; weak comparison (RFC 9110, section 13.1.2). */
export const matchesEtag = (header = '', etag: string): boolean =>
  header.split(',').some((tag) => ['*', etag].includes(tag.trim().replace(/^W\//, '')))

/** Writes a result; GETs that match `If-None-Match` become 304. */
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
  headers['Cache-Control'] ??= 'private, no-cache'
  headers['Content-Length'] = String(Buffer.byteLength(json))
  res.writeHead(status, headers).end(req.method === 'HEAD' ? undefined : json)
}
