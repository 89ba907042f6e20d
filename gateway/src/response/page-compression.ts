import compression from 'compression'
import type { RequestHandler } from 'express'
import { brotliOptions, gzipOptions, minCompressedBytes } from './content-coding.ts'

/** Compresses the gateway's own pages and documents. */
export const createPageCompression = (): RequestHandler =>
  compression({
    ...gzipOptions,
    brotli: brotliOptions,
    threshold: minCompressedBytes,
    // The bytes of a range are those of the uncompressed file.
    filter: (req, res) => res.statusCode !== 206 && compression.filter(req, res),
  })
