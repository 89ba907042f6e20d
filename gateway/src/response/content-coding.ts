import { type BrotliOptions, brotliCompressSync, constants, gzipSync, type ZlibOptions } from 'node:zlib'
import Negotiator from 'negotiator'
import { LruMap } from 'toad-cache'

export type Coding = 'br' | 'gzip'

const codings: Coding[] = ['br', 'gzip']

/** Smaller responses are not compressed: they fit into one packet anyway. */
export const minCompressedBytes = 1_024

// Higher levels save a tenth of the bytes and cost twice the time.
export const brotliOptions: BrotliOptions = { params: { [constants.BROTLI_PARAM_QUALITY]: 1 } }
export const gzipOptions: ZlibOptions = { level: 1 }

const negotiated = new LruMap<Coding | 'identity'>(1_000)

/** The content coding that a client accepts best. Undefined if it wants none. */
export const codingFor = (acceptEncoding: string | undefined): Coding | undefined => {
  if (acceptEncoding === undefined) return undefined
  let coding = negotiated.get(acceptEncoding)
  if (coding === undefined) {
    const negotiator = new Negotiator({ headers: { 'accept-encoding': acceptEncoding } })
    coding = (negotiator.encoding([...codings, 'identity'], { preferred: codings }) ?? 'identity') as
      | Coding
      | 'identity'
    negotiated.set(acceptEncoding, coding)
  }
  return coding === 'identity' ? undefined : coding
}

export const compress = (body: Buffer, coding: Coding): Buffer =>
  coding === 'br' ? brotliCompressSync(body, brotliOptions) : gzipSync(body, gzipOptions)

/**
 * The ETag of a compressed response: `"3.q1cX"` → `"3.q1cX.br"`. A strong ETag belongs to one sequence of bytes (RFC 9110,
 * section 8.8.3.3). A weak one stays as it is.
 */
export const codedEtag = (etag: string, coding: Coding): string =>
  etag.startsWith('"') ? `${etag.slice(0, -1)}.${coding}"` : etag

/** The ETags of an `If-Match` or `If-None-Match` as the service knows them. */
export const uncodedEtags = (header: string): string => header.replace(/\.(?:br|gzip)(?=")/g, '')

/** The ETag of a 304: the one that the client sent. */
export const notModifiedEtag = (etag: string, ifNoneMatch = ''): string =>
  codings.map((coding) => codedEtag(etag, coding)).find((coded) => ifNoneMatch.includes(coded)) ?? etag
