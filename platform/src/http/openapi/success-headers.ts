import type { z } from 'zod'
import { fieldsOf, type RouteDefinition, takesIdempotencyKey } from '../route-definition.ts'
import { type HeaderReferences, headerReferences } from './response-headers.ts'

/** Whether a successful response has an ETag: that of a single resource with a version. */
export const hasEtag = (schema: z.ZodType | null | undefined): boolean => fieldsOf(schema).includes('version')

/** The headers of a successful response. */
export const successHeaders = (route: RouteDefinition, status: number, schema: z.ZodType | null): HeaderReferences =>
  headerReferences([
    ...(hasEtag(schema) ? (['ETag'] as const) : []),
    ...(status === 201 || status === 302 || (status === 202 && fieldsOf(schema).includes('id'))
      ? (['Location'] as const)
      : []),
    ...(takesIdempotencyKey(route) ? (['Idempotency-Replayed'] as const) : []),
    ...(status === 200 || status === 206 ? (route.file?.headers ?? []) : []),
    ...(status === 206 ? (['Content-Range'] as const) : []),
    'X-Request-Id',
    'RateLimit',
    'RateLimit-Policy',
  ])
