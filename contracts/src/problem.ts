import { z } from 'zod'
import { type FieldErrorCode, fieldErrors } from './field-error.ts'
import { type ProblemCode, problems } from './problem-code.ts'

export { type FieldErrorCode, type ProblemCode, problems }

const FieldErrorCodes = z.enum(Object.keys(fieldErrors) as [FieldErrorCode, ...FieldErrorCode[]]).meta({
  id: 'FieldErrorCode',
  description: Object.entries(fieldErrors)
    .map(([code, meaning]) => `- \`${code}\`: ${meaning}`)
    .join('\n'),
})

/**
 * One error in a request. `pointer` is a JSON pointer (RFC 6901) into the body; `parameter` names a query, path or header
 * parameter.
 */
export const ProblemError = z
  .looseObject({
    pointer: z.string().optional(),
    parameter: z.string().optional(),
    code: FieldErrorCodes,
    message: z.string(),
  })
  .meta({ id: 'ProblemError' })
export type ProblemError = z.infer<typeof ProblemError>

const ProblemCodes = z.enum(Object.keys(problems) as [ProblemCode, ...ProblemCode[]]).meta({
  id: 'ProblemCode',
  description: 'The kind of a problem. Each has a page at `/problems/<code with dashes>`.',
})

/** The body of every error response: `application/problem+json` (RFC 9457). */
export const ProblemBody = z
  .looseObject({
    type: z.string().meta({ example: '/problems/not-found' }),
    title: z.string(),
    status: z.int().min(400).max(599),
    code: ProblemCodes,
    detail: z.string().optional(),
    instance: z.string().optional(),
    requestId: z.string().optional(),
    errors: z.array(ProblemError).optional(),
  })
  .meta({ id: 'Problem', description: 'A problem (RFC 9457).' })
export type ProblemBody = z.infer<typeof ProblemBody>

/** The body of a 409 `duplicate`: another resource has the same unique value. */
export const DuplicateBody = ProblemBody.extend({
  conflictingId: z.string().optional(),
  conflictingState: z.enum(['active', 'trash']).optional(),
}).meta({ id: 'DuplicateProblem' })

/** The body of a 412. `current` is the present version, and an ETag that `If-Match` accepts for it. */
export const PreconditionFailedBody = ProblemBody.extend({
  current: z
    .object({ version: z.int().min(1), etag: z.string().meta({ example: '"7"' }) })
    .optional()
    .meta({
      description: 'The present version of the resource. Read it, merge the change, and send `etag` as `If-Match`.',
    }),
}).meta({ id: 'PreconditionFailedProblem' })
