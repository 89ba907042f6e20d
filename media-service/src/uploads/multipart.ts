import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { Request } from 'express'
import multer, { MulterError } from 'multer'
import type { Store } from '../storage/store.ts'
import { createStorageEngine, type IncomingFile } from './storage-engine.ts'

const fileFields = ['file', 'photo', 'picture']

const unknownField = (name: string): Problem =>
  fieldProblem(
    `/${name.slice(0, 100).replaceAll('~', '~0').replaceAll('/', '~1')}`,
    'unknown_field',
    'is not a field of this form; send the image as `file`',
  )

const oneFile = (): Problem => fieldProblem('/file', 'too_many', 'send one file')

const problemOf = (error: unknown, maxBytes: number): Problem => {
  if (error instanceof Problem) return error
  const code = error instanceof MulterError ? error.code : undefined
  if (code === 'LIMIT_FILE_SIZE')
    return new Problem('too_large', { detail: `a file may have ${maxBytes} bytes`, extra: { limit: maxBytes } })
  if (code === 'LIMIT_FILE_COUNT' || code === 'LIMIT_UNEXPECTED_FILE') return oneFile()
  if (code?.startsWith('LIMIT_')) return fieldProblem('', 'too_many', 'the form has too many or too long fields')
  if (error instanceof Error && 'syscall' in error) throw error
  return new Problem('malformed', { detail: 'the form could not be read to its end', cause: error })
}

/** A reader of `multipart/form-data` with one image; what it gives lies in the store's anteroom. @throws Problem */
export const createMultipartReader = ({
  store,
  maxBytes,
  idleMs,
}: {
  store: Store
  maxBytes: number
  idleMs: number
}) => {
  const parse = multer({
    storage: createStorageEngine(store),
    limits: {
      fileSize: maxBytes,
      files: 1,
      fields: 10,
      parts: 11,
      fieldSize: 1_024,
      fieldNameSize: 100,
      headerPairs: 20,
    },
    fileFilter: (_req, { fieldname }, done) => {
      if (fileFields.includes(fieldname)) done(null, true)
      else done(unknownField(fieldname))
    },
  }).any()

  return async (req: Request): Promise<IncomingFile> => {
    const { res } = req
    if (!res) throw new Error('a request without a response')
    // Answering ends the connection, and that ends whatever was under way for it.
    const { promise: finished, resolve, reject } = Promise.withResolvers<void>()
    const idle = setTimeout(() => reject(new Problem('timeout', { detail: 'the upload stalled' })), idleMs)
    const onData = () => void idle.refresh()
    parse(req, res, (error: unknown) => (error ? reject(error) : resolve()))
    req.on('data', onData)
    await finished
      .catch((error: unknown) => {
        throw problemOf(error, maxBytes)
      })
      .finally(() => {
        clearTimeout(idle)
        req.off('data', onData)
      })
    const [file] = (req.files ?? []) as (Express.Multer.File & IncomingFile)[]
    const [field] = Object.keys(req.body ?? {})
    if (file && field !== undefined) await store.remove(file.key)
    if (field !== undefined) throw unknownField(field)
    if (!file) throw fieldProblem('/file', 'required', 'is required: an image, as a file')
    const { id, key, mimeType, bytes, sha256 } = file
    return { id, key, mimeType, bytes, sha256 }
  }
}
