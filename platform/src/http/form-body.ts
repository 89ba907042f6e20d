import type { IncomingMessage } from 'node:http'
import type { z } from 'zod'
import { Problem } from '../runtime/problem.ts'
import { parseBody } from './request-parsing.ts'
import type { Upload } from './route-definition.ts'

const tooLarge = (limit: number) =>
  new Problem('too_large', { detail: `the body is larger than ${limit} bytes`, extra: { limit } })

const readBytes = async (req: IncomingMessage, limit: number): Promise<Buffer> => {
  if (Number(req.headers['content-length'] ?? 0) > limit) throw tooLarge(limit)
  const chunks: Buffer[] = []
  let size = 0
  // The request is not destroyed on return: a response before the end of the body must go out on the same connection.
  for await (const chunk of req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > limit) throw tooLarge(limit)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks)
}

const fieldsOf = (bytes: Buffer): Record<string, string> => {
  const fields: [string, string][] = []
  const seen = new Set<string>()
  for (const [name, value] of new URLSearchParams(bytes.toString())) {
    if (seen.has(name)) throw new Problem('malformed', { detail: 'a form field is repeated' })
    seen.add(name)
    fields.push([name, value])
  }
  return Object.fromEntries(fields)
}

/**
 * Creates the parser of an `application/x-www-form-urlencoded` body of up to `limit` bytes, for the `uploads` of a route. Each
 * field is a string and may occur once.
 * @throws Problem 400, 413, 415, 422
 */
export const formBody = <T>(schema: z.ZodType<T>, limit: number): Upload<T> => ({
  schema,
  parse: async (req) => {
    const encoding = req.headers['content-encoding'] ?? 'identity'
    if (encoding !== 'identity')
      throw new Problem('unsupported_media_type', { detail: 'send the form without a content encoding' })
    const bytes = await readBytes(req, limit).catch((error: unknown) => {
      throw error instanceof Problem
        ? error
        : new Problem('malformed', { detail: 'the body is incomplete', cause: error })
    })
    return parseBody(schema, fieldsOf(bytes))
  },
})
