import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream/promises'
import type { MediaVariant } from '@clientele/contracts/media'
import { matchesEtag, type Result, redirect, streamed } from '@clientele/platform/http/api'
import { currentLog } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import type { MediaService } from '../media/media.service.ts'
import type { Variants } from '../media/media.variants.ts'
import type { Store } from '../storage/store.ts'
import { parseRange } from './byte-range.ts'
import { findRepresentation, type Representation } from './representation.ts'

type Deps = { media: MediaService; variants: Variants; store: Store; redirects: boolean }

const stallTimeoutMs = 60_000
const bucketLinkTtlSeconds = 600

// A day and not longer, so that caches also lose the photo of a purged customer.
const cacheControl = (isFallback: boolean): string =>
  isFallback ? 'private, max-age=5' : 'private, max-age=86400, immutable'
const disposition = ({ fileName }: Representation): string => `inline; filename="${fileName}"`

const headersOf = (representation: Representation): Record<string, string> => ({
  ETag: representation.etag,
  'Cache-Control': cacheControl(representation.isFallback),
  'Content-Type': representation.mimeType,
  'Content-Disposition': disposition(representation),
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'X-Content-Type-Options': 'nosniff',
  // Front ends of other origins show images by their signed links.
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Accept-Ranges': 'bytes',
})

export type ContentService = ReturnType<typeof createContentService>

export const createContentService = ({ media, variants, store, redirects }: Deps) => {
  const send = async (representation: Representation, req: IncomingMessage, res: ServerResponse): Promise<void> => {
    const { key, etag, bytes } = representation
    for (const [name, value] of Object.entries(headersOf(representation))) res.setHeader(name, value)
    if (matchesEtag(req.headers['if-none-match'], etag)) {
      res.statusCode = 304
      return void res.end()
    }

    const { 'if-range': ifRange, range: header } = req.headers
    const range = ifRange === undefined || ifRange === etag ? parseRange(header, bytes) : undefined
    if (range === 'unsatisfiable') {
      const headers = { 'Content-Range': `bytes */${bytes}` }
      throw new Problem('range_not_satisfiable', { detail: `the content has ${bytes} bytes`, headers })
    }
    if (range) {
      res.statusCode = 206
      res.setHeader('Content-Range', `bytes ${range.start}-${range.end}/${bytes}`)
    }
    res.setHeader('Content-Length', String(range ? range.end - range.start + 1 : bytes))
    if (req.method === 'HEAD') return void res.end()

    const source = await store.read(key, range)
    if (!source) throw new Problem('not_found', { detail: 'image not found' })
    res.setTimeout(stallTimeoutMs, () => res.destroy())
    await pipeline(source, res).catch((err: unknown) => {
      // The client disconnected, or the store failed in the middle of the content. In both cases no error can be sent any more.
      if (!req.destroyed && !res.destroyed) currentLog().error({ err }, 'sending content failed')
      // pipeline() does not close the source if the response was closed before the first byte.
      source.destroy()
      res.destroy()
    })
  }

  return {
    /** Responds with the content of a variant, or with a redirect to its URL in the bucket. */
    serve: async (id: string, variant: MediaVariant, req: IncomingMessage): Promise<Result<200 | 302, undefined>> => {
      const representation = await findRepresentation(await media.find(id), variant, variants)
      if (!redirects || !store.signedUrl) return streamed((res) => send(representation, req, res))
      const url = await store.signedUrl(representation.key, {
        ttlSeconds: bucketLinkTtlSeconds,
        disposition: disposition(representation),
        contentType: representation.mimeType,
      })
      const seconds = representation.isFallback ? 5 : bucketLinkTtlSeconds / 2
      return redirect(url, { headers: { 'Cache-Control': `private, max-age=${seconds}` } })
    },
  }
}
