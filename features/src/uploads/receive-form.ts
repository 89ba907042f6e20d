import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { Request, Response } from 'express'
import multer, { MulterError, type StorageEngine } from 'multer'

type FormOptions = {
  storage: StorageEngine
  /** Sizes in bytes. A form has one file at most; `fileSize` is left out if `storage` limits it. */
  limits: { fields: number; fieldSize: number; fileSize?: number; headerPairs?: number; fieldNestingDepth?: number }
  /** The fields that may contain the file. Problems name the first. */
  fileFields: readonly [string, ...string[]]
  /**
   * The status for a form with too many or too long fields. Use 413 if the fields are those of a resource, because a JSON body
   * that is too large gets 413 as well. Default 422.
   */
  oversizedStatus?: 413 | 422
}

const fieldNameSize = 100

/** A JSON pointer to a form field (RFC 6901). */
const pointerTo = (name: string): string =>
  `/${name.slice(0, fieldNameSize).replaceAll('~', '~0').replaceAll('/', '~1')}`

/** Creates the Problem 422 for an unknown form field. `hint` is the advice, such as `send the file as photo`. */
export const unknownFormField = (name: string, hint: string): Problem => {
  return fieldProblem(pointerTo(name), 'unknown_field', `is not a field of this form; ${hint}`)
}

const isFromSystem = (error: unknown): boolean => error instanceof Error && 'syscall' in error

const oversized = (field: string | undefined, { limits, oversizedStatus }: FormOptions): Problem => {
  const detail = `the form has too many or too long fields${field === undefined ? '' : ` (${field.slice(0, 50)})`}`
  return oversizedStatus === 413
    ? new Problem('too_large', { detail, extra: { limit: limits.fieldSize } })
    : fieldProblem('', 'too_many', detail)
}

/** Converts an error of multer to a Problem. Internal errors, such as a full disk, are returned unchanged. */
const toProblem = (error: unknown, options: FormOptions): unknown => {
  if (error instanceof Problem || isFromSystem(error)) return error
  const { code, field }: { code?: string; field?: string | undefined } = error instanceof MulterError ? error : {}
  const { limits, fileFields } = options
  if (code === 'LIMIT_FILE_SIZE')
    return new Problem('too_large', {
      detail: `the file may have at most ${limits.fileSize} bytes`,
      extra: { limit: limits.fileSize },
    })
  if (code === 'LIMIT_FILE_COUNT' || code === 'LIMIT_UNEXPECTED_FILE')
    return fieldProblem(`/${fileFields[0]}`, 'too_many', 'must be one file')
  if (code === 'LIMIT_FIELD_ARRAY_INDEX' && field !== undefined)
    return fieldProblem(pointerTo(field), 'too_big', `must have an index of at most ${limits.fields}`)
  if (code?.startsWith('LIMIT_')) return oversized(field, options)
  return new Problem('malformed', { detail: 'the form is invalid or incomplete', cause: error })
}

/**
 * Reads a `multipart/form-data` body with at most one file into `req.body` and `req.files`.
 * @throws Problem 400 if the form is invalid, 413 or 422 if it exceeds a limit, 422 `too_big` for a large index such as `tags[1000]`, 422 `unknown_field` for a file in another field.
 * Problems and system errors of `storage` are thrown unchanged.
 */
export const receiveForm = async (req: Request, options: FormOptions): Promise<void> => {
  const { storage, limits, fileFields } = options
  const parse = multer({
    storage,
    // An index makes an array of that length, however few elements it has: `tags[4294967294]` would keep the process busy for minutes.
    limits: { ...limits, files: 1, parts: limits.fields + 1, fieldNameSize, fieldArrayIndexLimit: limits.fields },
    defParamCharset: 'utf8',
    fileFilter: (_req, { fieldname }, callback) => {
      if (fileFields.includes(fieldname)) callback(null, true)
      else callback(unknownFormField(fieldname, `send the file as ${fileFields[0]}`))
    },
  }).any()
  await new Promise<void>((resolve, reject) => {
    // multer does not use the response, but its type requires one.
    parse(req, req.res ?? ({} as Response), (error?: unknown) =>
      error ? reject(toProblem(error, options)) : resolve(),
    )
  })
}
