import { createHash } from 'node:crypto'
import type { Request, Response } from 'express'

/** What a handler answers. `body` is sent as JSON; `send` streams instead. */
export type Result = {
  status: number
  body?: unknown
  headers: Record<string, string>
  send?: (res: Response) => Promise<void>
}

type Options = { headers?: Record<string, string> }

/** 200 with a body. A single object with a `version` gets a strong ETag. */
export const ok = (body: unknown, { headers = {} }: Options = {}): Result => ({ status: 200, body, headers })
/** 201 with the new resource and its address. */
export const created = (body: unknown, location: string): Result => ({
  status: 201,
  body,
  headers: { Location: location },
})
/** 202: it will be done; `location` is where to look. */
export const accepted = (body?: unknown, location?: string): Result => ({
  status: 202,
  body,
  headers: location === undefined ? {} : { Location: location },
})
/** 204 */
export const noContent = (): Result => ({ status: 204, headers: {} })
/** 207: a list of results of which some failed. */
export const multiStatus = (body: unknown): Result => ({ status: 207, body, headers: {} })
/** 302 */
export const redirect = (location: string, { headers = {} }: Options = {}): Result => ({
  status: 302,
  headers: { ...headers, Location: location },
})
/** An answer that `send` writes itself, status and headers included. */
export const streamed = (send: (res: Response) => Promise<void>): Result => ({ status: 200, headers: {}, send })

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
export const sendResult = async (req: Request, res: Response, result: Result): Promise<void> => {
  if (result.send) return result.send(res)
  res.status(result.status).set(result.headers)
  if (result.body === undefined) {
    res.end()
    return
  }
  const json = JSON.stringify(result.body)
  const version = versionOf(result.body)
  if (version !== undefined && result.status < 300) {
    const etag = etagOf(version, json)
    res.set('ETag', etag)
    if (['GET', 'HEAD'].includes(req.method) && matchesEtag(req.headers['if-none-match'], etag)) {
      res.status(304).end()
      return
    }
  }
  res.set('Content-Type', 'application/json; charset=utf-8')
  if (!res.hasHeader('Cache-Control')) res.set('Cache-Control', 'private, no-cache')
  res.set('Content-Length', String(Buffer.byteLength(json)))
  res.end(req.method === 'HEAD' ? undefined : json)
}
