import type { Writable } from 'node:stream'
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

// What stands for bytes that are not UTF-8 in text that was decoded.
const replaced = '\ufffd'

const notUtf8 = (name: string): Problem =>
  name.includes(replaced)
    ? fieldProblem('', 'wrong_encoding', 'has a field whose name is not UTF-8: send the form in UTF-8')
    : fieldProblem(pointerTo(name), 'wrong_encoding', 'is not UTF-8: send the form in UTF-8')

/**
 * Sends the body to the parser of multer, which reports what it has found as events. A field that is not UTF-8 ends the form with
 * a problem, like any error of the parser. A value is undefined if the part names a charset that the parser does not know.
 */
const feed = (req: Request, parser: Writable): void => {
  parser.prependListener('field', (name: string | undefined, value: string | undefined) => {
    if (name === undefined || (!name.includes(replaced) && value?.includes(replaced) === false)) return
    parser.emit('error', notUtf8(name))
  })
  req.pipe(parser)
}

/** The name of a file to show. What was not UTF-8 in it becomes `_`. */
const readableName = (name: string): string => name.replace(/\ufffd+/g, '_')

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
 * @throws Problem 400 if the form is invalid, 413 or 422 if it exceeds a limit, 422 `too_big` for a large index such as `tags[1000]`,
 * 422 `wrong_encoding` for a field that is not UTF-8, 422 `unknown_field` for a file in another field.
 * Problems and system errors of `storage` are thrown unchanged.
 */
export const receiveForm = async (req: Request, options: FormOptions): Promise<void> => {
  const { storage, limits, fileFields } = options
  // The type of multer's options lacks the stream handler.
  const settings: multer.Options & { streamHandler: typeof feed } = {
    storage,
    // An index makes an array of that length, however few elements it has: `tags[4294967294]` would keep the process busy for minutes.
    limits: { ...limits, files: 1, parts: limits.fields + 1, fieldNameSize, fieldArrayIndexLimit: limits.fields },
    defParamCharset: 'utf8',
    streamHandler: feed,
    fileFilter: (_req, file, callback) => {
      file.originalname = readableName(file.originalname)
      if (fileFields.includes(file.fieldname)) callback(null, true)
      else callback(unknownFormField(file.fieldname, `send the file as ${fileFields[0]}`))
    },
  }
  const parse = multer(settings).any()
  await new Promise<void>((resolve, reject) => {
    // multer does not use the response, but its type requires one.
    parse(req, req.res ?? ({} as Response), (error?: unknown) =>
      error ? reject(toProblem(error, options)) : resolve(),
    )
  })
}
