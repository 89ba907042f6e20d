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
import { type Representation, represent } from './representation.ts'

type Deps = { media: MediaService; variants: Variants; store: Store; redirects: boolean }

const stalledMs = 60_000
const bucketLinkSeconds = 600

// A day, not for ever: a purged customer's photo shall leave caches too.
const cacheControl = (lasting: boolean): string =>
  lasting ? 'private, max-age=86400, immutable' : 'private, max-age=5'
const disposition = ({ fileName }: Representation): string => `inline; filename="${fileName}"`

const headersOf = (shown: Representation): Record<string, string> => ({
  ETag: shown.etag,
  'Cache-Control': cacheControl(shown.lasting),
  'Content-Type': shown.mimeType,
  'Content-Disposition': disposition(shown),
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'X-Content-Type-Options': 'nosniff',
  // Signed links are there to be shown by front ends of other origins.
  'Cross-Origin-Resource-Policy': 'cross-origin',
  'Accept-Ranges': 'bytes',
})

export type ContentService = ReturnType<typeof createContentService>

export const createContentService = ({ media, variants, store, redirects }: Deps) => {
  const send = async (shown: Representation, req: IncomingMessage, res: ServerResponse): Promise<void> => {
    for (const [name, value] of Object.entries(headersOf(shown))) res.setHeader(name, value)
    if (matchesEtag(req.headers['if-none-match'], shown.etag)) {
      res.statusCode = 304
      return void res.end()
    }

    const { 'if-range': ifRange, range: header } = req.headers
    const range = ifRange === undefined || ifRange === shown.etag ? parseRange(header, shown.bytes) : undefined
    if (range === 'unsatisfiable') {
      const headers = { 'Content-Range': `bytes */${shown.bytes}` }
      throw new Problem('range_not_satisfiable', { detail: `there are ${shown.bytes} bytes`, headers })
    }
    if (range) {
      res.statusCode = 206
      res.setHeader('Content-Range', `bytes ${range.start}-${range.end}/${shown.bytes}`)
    }
    res.setHeader('Content-Length', String(range ? range.end - range.start + 1 : shown.bytes))
    if (req.method === 'HEAD') return void res.end()

    const source = await store.read(shown.key, range)
    if (!source) throw new Problem('not_found', { detail: 'there is no such media' })
    res.setTimeout(stalledMs, () => res.destroy())
    await pipeline(source, res).catch((err: unknown) => {
      // The reader went away, or the store failed amid the bytes: either way there is nobody left to tell.
      if (!req.destroyed && !res.destroyed) currentLog().error({ err }, 'content broke off')
      // A response that was gone before the first byte leaves its source open.
      source.destroy()
      res.destroy()
    })
  }

  return {
    /** The bytes of a variant, or the bucket's address of them. */
    show: async (id: string, variant: MediaVariant, req: IncomingMessage): Promise<Result<200 | 302, undefined>> => {
      const shown = await represent(await media.find(id), variant, variants)
      if (!redirects || !store.signedUrl) return streamed((res) => send(shown, req, res))
      const url = await store.signedUrl(shown.key, {
        ttlSeconds: bucketLinkSeconds,
        disposition: disposition(shown),
        contentType: shown.mimeType,
      })
      const seconds = shown.lasting ? bucketLinkSeconds / 2 : 5
      return redirect(url, { headers: { 'Cache-Control': `private, max-age=${seconds}` } })
    },
  }
}
