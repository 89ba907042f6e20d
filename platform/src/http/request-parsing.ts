import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import type { z } from 'zod'
import { Problem, parameterProblem, validationProblem } from '../runtime/problem.ts'
import { hasBody } from './has-body.ts'
import { isTooDeep, maxJsonDepth } from './json-depth.ts'

/**
 * Parses a query string into a flat record, such as `{ 'createdAt[gte]': '…' }`.
 * @throws Problem 400 for a repeated parameter
 */
export const parseQueryString = (url: string): Record<string, string> => {
  const start = url.indexOf('?')
  const record: Record<string, string> = {}
  if (start === -1) return record
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    if (Object.hasOwn(record, name))
      throw new Problem('invalid_parameter', {
        detail: `${name} is given more than once; separate values with commas`,
        errors: [{ parameter: name, code: 'repeated', message: 'is given more than once' }],
      })
    if (name === '__proto__') throw new Problem('unknown_parameter', { detail: '__proto__ is not a known parameter' })
    record[name] = value
  }
  return record
}

/** Parses query or path parameters. @throws Problem 400 listing every invalid parameter */
export const parseParameters = <T>(schema: z.ZodType<T>, record: unknown): T => {
  const result = schema.safeParse(record, { reportInput: true })
  if (result.success) return result.data
  throw parameterProblem(result.error)
}

/** Parses a body. @throws Problem 422 listing every invalid field */
export const parseBody = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const result = schema.safeParse(body, { reportInput: true })
  if (result.success) return result.data
  throw validationProblem(result.error)
}

/** Returns the media type of a request in lower case, without parameters: `text/csv`. It is empty without a `Content-Type`. */
export const mediaTypeOf = (req: IncomingMessage): string =>
  (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''

const jsonTypes = ['application/json', 'application/merge-patch+json']

const tooDeep = 'too.deep'
const byteOrderMark = Buffer.from('\ufeff')

const problemOf = (error: { type?: string; limit?: number; message: string }): Problem => {
  if (error.type === 'entity.too.large')
    return new Problem('too_large', {
      detail: `the body is larger than ${error.limit} bytes`,
      extra: { limit: error.limit },
    })
  if (error.type === 'encoding.unsupported' || error.type === 'charset.unsupported')
    return new Problem('unsupported_media_type', {
      detail: 'send the body in UTF-8; allowed content encodings: gzip, deflate, br',
    })
  if (error.type === tooDeep)
    return new Problem('malformed', { detail: `the body is nested deeper than ${maxJsonDepth} levels` })
  const aborted = error.type === 'request.aborted' || error.type === 'request.size.invalid'
  return new Problem('malformed', {
    detail: aborted ? 'the body is incomplete' : 'the body is not valid JSON in UTF-8',
  })
}

const jsonBytes = new WeakMap<IncomingMessage, number>()
/** Returns the size of a JSON body after decompression; 0 if none was read. */
export const jsonBytesOf = (req: IncomingMessage): number => jsonBytes.get(req) ?? 0

const alternatives = new Intl.ListFormat('en-GB', { type: 'disjunction' })

/** Creates the problem 415 for a body of a type that is none of `accepted`, the media types that the route takes. */
export const unsupportedType = (req: IncomingMessage, accepted: readonly string[]): Problem => {
  const type = mediaTypeOf(req)
  return new Problem('unsupported_media_type', {
    detail: `send ${alternatives.format(accepted)}, not ${type === '' ? 'a body without a type' : type}`,
    extra: { supported: accepted },
  })
}

/**
 * Creates a reader of JSON bodies of up to `limit` bytes. `accepted` are the media types that the route takes, for the problem.
 * The reader throws Problem 400, 413 or 415.
 */
export const jsonReader = (limit: number, accepted: readonly string[]) => {
  const parse = express.json({
    limit,
    strict: false,
    type: jsonTypes,
    verify: (req, _res, buffer) => {
      jsonBytes.set(req, buffer.length)
      if (!isUtf8(buffer)) throw new Error('not UTF-8')
      // `express.json` would parse an empty body and a byte order mark as {}.
      if (buffer.length === 0 || buffer.equals(byteOrderMark)) throw new Error('empty')
      if (isTooDeep(buffer)) throw Object.assign(new Error('nested too deep'), { type: tooDeep })
    },
  })
  return async (req: IncomingMessage & { body?: unknown }, res: ServerResponse): Promise<unknown> => {
    if (!hasBody(req)) return undefined
    if (!jsonTypes.includes(mediaTypeOf(req))) throw unsupportedType(req, accepted)
    await new Promise<void>((resolve, reject) =>
      parse(req, res, (error) => (error ? reject(problemOf(error)) : resolve())),
    )
    return req.body
  }
}

/** Returns the key in an `Idempotency-Key` header; undefined without the header. @throws Problem 400 */
export const parseIdempotencyKey = (header: string | string[] | undefined): string | undefined => {
  if (header === undefined) return undefined
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header
  throw new Problem('invalid_parameter', {
    detail: 'Idempotency-Key must have 1 to 255 visible ASCII characters',
    errors: [{ parameter: 'Idempotency-Key', code: 'invalid', message: 'must have 1 to 255 visible ASCII characters' }],
  })
}
