import type { IncomingHttpHeaders, ServerResponse } from 'node:http'
import type { OutgoingHeaders } from '../request/header-rules.ts'
import { type Coding, codedEtag, codingFor, compress, minCompressedBytes } from '../response/content-coding.ts'

/** Compressing a larger body in one step would delay other requests. */
const maxBytes = 1_048_576

const json = /^application\/(?:[\w.+-]+\+)?json\b/i
const noTransform = /(?:^|[\s,])no-transform(?:[\s,]|$)/i

type Head = { status: number; headers: IncomingHttpHeaders }

/** The coding for the response of a service: JSON of at least 1 kB that nothing has encoded yet. Undefined for any other. */
export const codingOfResponse = (acceptEncoding: string | undefined, { status, headers }: Head): Coding | undefined => {
  const bytes = Number(headers['content-length'])
  if (!(bytes >= minCompressedBytes && bytes <= maxBytes) || status === 206) return undefined
  if (headers['content-encoding'] !== undefined || !json.test(headers['content-type'] ?? '')) return undefined
  return noTransform.test(headers['cache-control'] ?? '') ? undefined : codingFor(acceptEncoding)
}

/** Collects the body of a response, which is sent in compressed form when it is complete. */
export const createCompressedResponse = (
  res: ServerResponse,
  { status, headers, coding }: { status: number; headers: OutgoingHeaders; coding: Coding },
) => {
  const chunks: Buffer[] = []
  return {
    add: (chunk: Buffer): void => void chunks.push(chunk),
    send: (): void => {
      const { 'content-length': _length, ...out } = headers
      out['content-encoding'] = coding
      if (typeof out['etag'] === 'string') out['etag'] = codedEtag(out['etag'], coding)
      // The response to a HEAD request has the same headers. Its length is not known without a body.
      if (chunks.length === 0) return void res.writeHead(status, out).end()
      const body = compress(chunks.length === 1 ? (chunks[0] as Buffer) : Buffer.concat(chunks), coding)
      out['content-length'] = String(body.length)
      res.writeHead(status, out).end(body.toString('latin1'), 'latin1')
    },
  }
}
export type CompressedResponse = ReturnType<typeof createCompressedResponse>
