import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { Request, Response } from 'express'
import multer, { MulterError, type StorageEngine } from 'multer'

type FormOptions = {
  storage: StorageEngine
  /** Sizes in bytes. A form has one file at most; `fileSize` is left out if `storage` limits it. */
  limits: { fields: number; fieldSize: number; fileSize?: number; headerPairs?: number; fieldNestingDepth?: number }
  /** Fields that the file may come in; problems name the first. */
  fileFields: readonly [string, ...string[]]
  /**
   * The status of a form with too many or too long fields: 422, or 413 if they are a whole resource, whose JSON would be refused
   * with 413 as well. Default 422.
   */
  oversizedStatus?: 413 | 422
}

const fieldNameSize = 100

/** 422 for a field of a form that is not known; `hint` says what to do instead. */
export const unknownFormField = (name: string, hint: string): Problem => {
  const pointer = `/${name.slice(0, fieldNameSize).replaceAll('~', '~0').replaceAll('/', '~1')}`
  return fieldProblem(pointer, 'unknown_field', `is not a field of this form; ${hint}`)
}

const isFromSystem = (error: unknown): boolean => error instanceof Error && 'syscall' in error

const oversized = (field: string | undefined, { limits, oversizedStatus }: FormOptions): Problem => {
  const detail = `the form has too many or too long fields${field === undefined ? '' : ` (${field.slice(0, 50)})`}`
  return oversizedStatus === 413
    ? new Problem('too_large', { detail, extra: { limit: limits.fieldSize } })
    : fieldProblem('', 'too_many', detail)
}

/** What the sender is told of a form that could not be read. A failure of our own, such as a full disk, stays what it is. */
const toProblem = (error: unknown, options: FormOptions): unknown => {
  if (error instanceof Problem || isFromSystem(error)) return error
  const { code, field } = error instanceof MulterError ? error : {}
  const { limits, fileFields } = options
  if (code === 'LIMIT_FILE_SIZE')
    return new Problem('too_large', {
      detail: `a file may have ${limits.fileSize} bytes`,
      extra: { limit: limits.fileSize },
    })
  if (code === 'LIMIT_FILE_COUNT' || code === 'LIMIT_UNEXPECTED_FILE')
    return fieldProblem(`/${fileFields[0]}`, 'too_many', 'must be one file')
  if (code?.startsWith('LIMIT_')) return oversized(field, options)
  return new Problem('malformed', { detail: 'the form is broken or ended early', cause: error })
}

/**
 * Reads a `multipart/form-data` body with one file into `req.body` and `req.files`.
 * @throws Problem 400 if it is broken, 413 or 422 if it breaks a limit, 422 `unknown_field` for a file in another field; and what
 * `storage` fails with, if that is a Problem or an error of the system
 */
export const receiveForm = async (req: Request, options: FormOptions): Promise<void> => {
  const { storage, limits, fileFields } = options
  const parse = multer({
    storage,
    limits: { ...limits, files: 1, parts: limits.fields + 1, fieldNameSize },
    defParamCharset: 'utf8',
    fileFilter: (_req, { fieldname }, callback) => {
      if (fileFields.includes(fieldname)) callback(null, true)
      else callback(unknownFormField(fieldname, `send the file as ${fileFields[0]}`))
    },
  }).any()
  await new Promise<void>((resolve, reject) => {
    // Nothing is answered here: multer passes the response on to middleware that is not used.
    parse(req, req.res ?? ({} as Response), (error?: unknown) =>
      error ? reject(toProblem(error, options)) : resolve(),
    )
  })
}
