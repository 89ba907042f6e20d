import { isUtf8 } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import express from 'express'
import type { z } from 'zod'
import { Problem, parameterProblem, validationProblem } from '../runtime/problem.ts'
import { isTooDeep, maxJsonDepth } from './json-depth.ts'

/** The query string as a flat record: `{ 'createdAt[gte]': '…' }`. @throws Problem 400 for a repeated parameter */
export const queryRecord = (url: string): Record<string, string> => {
  const start = url.indexOf('?')
  const record: Record<string, string> = {}
  if (start === -1) return record
  for (const [name, value] of new URLSearchParams(url.slice(start + 1))) {
    if (Object.hasOwn(record, name))
      throw new Problem('invalid_parameter', {
        detail: `${name} is given more than once; separate values by commas`,
        errors: [{ parameter: name, code: 'repeated', message: 'is given more than once' }],
      })
    if (name === '__proto__') throw new Problem('unknown_parameter', { detail: '__proto__ is not known here' })
    record[name] = value
  }
  return record
}

/** Parses a query or path record. @throws Problem 400 naming every faulty parameter */
export const parseParameters = <T>(schema: z.ZodType<T>, record: unknown): T => {
  const result = schema.safeParse(record, { reportInput: true })
  if (result.success) return result.data
  throw parameterProblem(result.error)
}

/** Parses a body. @throws Problem 422 naming every faulty field */
export const parseBody = <T>(schema: z.ZodType<T>, body: unknown): T => {
  const result = schema.safeParse(body, { reportInput: true })
  if (result.success) return result.data
  throw validationProblem(result.error)
}

/** The media type of a request without its parameters, in lower case; empty where there is none. */
export const mediaType = (req: IncomingMessage): string =>
  (req.headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''

const jsonTypes = ['application/json', 'application/merge-patch+json']

const tooDeep = 'too.deep'
const byteOrderMark = Buffer.from('\ufeff')

const problemOf = (error: { type?: string; limit?: number; message: string }): Problem => {
  if (error.type === 'entity.too.large')
    return new Problem('too_large', { detail: `the body may have ${error.limit} bytes`, extra: { limit: error.limit } })
  if (error.type === 'encoding.unsupported' || error.type === 'charset.unsupported')
    return new Problem('unsupported_media_type', { detail: 'send the body in UTF-8, plain, gzip, deflate or brotli' })
  if (error.type === tooDeep)
    return new Problem('malformed', { detail: `the body is nested deeper than ${maxJsonDepth} levels` })
  const aborted = error.type === 'request.aborted' || error.type === 'request.size.invalid'
  return new Problem('malformed', { detail: aborted ? 'the body ended early' : 'the body is not valid JSON in UTF-8' })
}

/** A reader of JSON bodies up to `limit` bytes. @throws Problem 400, 413, 415 */
export const jsonReader = (limit: number) => {
  const parse = express.json({
    limit,
    strict: false,
    type: jsonTypes,
    verify: (_req, _res, buffer) => {
      if (!isUtf8(buffer)) throw new Error('not UTF-8')
      // express.json would read both as {}.
      if (buffer.length === 0 || buffer.equals(byteOrderMark)) throw new Error('empty')
      if (isTooDeep(buffer)) throw Object.assign(new Error('nested too deep'), { type: tooDeep })
    },
  })
  return async (req: IncomingMessage & { body?: unknown }, res: ServerResponse): Promise<unknown> => {
    const type = mediaType(req)
    const empty = req.headers['transfer-encoding'] === undefined && (req.headers['content-length'] ?? '0') === '0'
    if (empty) return undefined
    if (!jsonTypes.includes(type))
      throw new Problem('unsupported_media_type', {
        detail: `send ${jsonTypes[0]}, not ${type === '' ? 'a body without a type' : type}`,
      })
    await new Promise<void>((resolve, reject) =>
      parse(req, res, (error) => (error ? reject(problemOf(error)) : resolve())),
    )
    return req.body
  }
}

/**
 * The version that `If-Match` asks for; undefined without the header or with `*`.
 * @throws Problem 412 for a tag that this API never gave
 */
export const ifMatchVersion = (header: string | undefined): number | undefined => {
  if (header === undefined || header.trim() === '*') return undefined
  const version = /^\s*"(\d{1,9})(?:\.[\w-]*)?"\s*$/.exec(header)?.[1]
  if (version === undefined)
    throw new Problem('precondition_failed', { detail: 'If-Match holds no ETag of this resource' })
  return Number(version)
}

/** The key in an `Idempotency-Key` header; undefined without one. @throws Problem 400 */
export const idempotencyKey = (header: string | string[] | undefined): string | undefined => {
  if (header === undefined) return undefined
  if (typeof header === 'string' && /^[\x21-\x7e]{1,255}$/.test(header)) return header
  throw new Problem('invalid_parameter', {
    detail: 'Idempotency-Key must have 1 to 255 visible ASCII characters',
    errors: [{ parameter: 'Idempotency-Key', code: 'invalid', message: 'must have 1 to 255 visible ASCII characters' }],
  })
}
