import type { IncomingMessage } from 'node:http'
import { ImportFile, ImportForm, ImportOptions } from '@clientele/contracts/imports/import-options'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { mediaTypeOf, parseBody, parseParameters, parseQueryString } from '@clientele/platform/http/request-parsing'
import type { Upload } from '@clientele/platform/http/route-definition'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { Request } from 'express'
import type { StorageEngine } from 'multer'
import type { JobQuota } from '../jobs/job.quota.ts'
import type { JobFiles } from '../jobs/job-files.ts'
import { receiveForm } from '../uploads/receive-form.ts'
import type { ImportConfig } from './import.config.ts'
import { type ReceivedFile, receiveFile } from './received-file.ts'

/** A stored file that no import uses yet. */
export type ImportUpload = {
  file: ReceivedFile
  options: ImportOptions
  /** Whether the content type is `application/json`. */
  isJson: boolean
  /** Runs `work`, which creates the import. The file is deleted if `work` fails, or if this function is never called. */
  discardOnFailure<T>(work: () => Promise<T>): Promise<T>
  /** Returns the properties that identify the request for its idempotency key. */
  toJSON(): object
}

const limits = { fields: 20, fieldSize: 200_000 }
const fileTypes = [
  'text/csv',
  'application/x-ndjson',
  'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
  'application/octet-stream',
]
// The contract lists few types, because generated clients have a function or a case for each. On Windows CSV has the type of Excel.
const unlistedTypes = [
  'text/tab-separated-values',
  'text/plain',
  'application/json',
  'application/gzip',
  'application/zip',
  'application/x-zip-compressed',
  'application/vnd.ms-excel',
  'application/vnd.ms-excel.sheet.macroenabled.12',
]
const formatByType: Record<string, ImportOptions['format']> = {
  'text/csv': 'csv',
  'text/tab-separated-values': 'csv',
  'application/x-ndjson': 'ndjson',
}

type Deps = {
  db: Db
  files: JobFiles
  quota: JobQuota
  config: Pick<ImportConfig, 'importMaxBytes' | 'importMaxUploads'>
  /** Whether vCards are rows of the table. */
  takesContacts: boolean
}

type Read = (req: Request, ownerId: string) => Promise<{ file: ReceivedFile; options: ImportOptions }>

const textOf = (value: unknown): string | undefined => (typeof value === 'string' && value !== '' ? value : undefined)

const maxNameLength = 200
/** Removes characters that PostgreSQL or clients cannot handle from the file name of a form part. */
const cleanFileName = (sent: string): string => sent.replace(/[\p{Cc}\p{Cs}]/gu, '').slice(0, maxNameLength)

/** Creates the parsers of the bodies that create an import: a form, or the bare file with the options as query parameters. */
export const createImportUploads = ({
  db,
  files,
  quota,
  config,
  takesContacts,
}: Deps): Record<string, Upload<ImportUpload>> => {
  let activeUploads = 0

  const receive = (
    source: AsyncIterable<Uint8Array>,
    file: { ownerId: string; name: string; encoding: string | undefined; sheet: string | undefined },
  ): Promise<ReceivedFile> =>
    receiveFile({ db, files, quota }, source, { ...file, takesContacts, maxBytes: config.importMaxBytes })

  const readForm: Read = async (req, ownerId) => {
    let stored: ReceivedFile | undefined
    let usedSheet: string | undefined
    const storage: StorageEngine = {
      _handleFile: (_req, { stream, originalname }, callback) => {
        const { encoding, sheet } = (req.body ?? {}) as Record<string, unknown>
        usedSheet = textOf(sheet)
        receive(stream, {
          ownerId,
          name: cleanFileName(originalname),
          encoding: textOf(encoding),
          sheet: usedSheet,
        }).then(
          (file) => {
            stored = file
            callback(null, { originalname } as Partial<Express.Multer.File>)
          },
          (error: unknown) => {
            stream.resume()
            callback(error)
          },
        )
      },
      _removeFile: (_req, _file, callback) => callback(null),
    }
    try {
      await receiveForm(req, { storage, limits, fileFields: ['file'] })
      const nonEmpty = Object.entries({ ...req.body } as Record<string, unknown>).filter(([, value]) => value !== '')
      const options = parseBody(ImportOptions, Object.fromEntries(nonEmpty))
      if (!stored) throw fieldProblem('/file', 'required', 'is required')
      if (options.sheet !== undefined && options.sheet !== usedSheet)
        throw fieldProblem('/sheet', 'invalid_value', 'must come before the file in the form')
      const [sent] = (req.files ?? []) as Express.Multer.File[]
      return { file: stored, options: { ...options, name: options.name ?? (sent && cleanFileName(sent.originalname)) } }
    } catch (error) {
      if (stored) await files.remove(stored.id).catch(() => {})
      throw error
    }
  }

  const readBareFile = async (req: Request, ownerId: string, type: string): ReturnType<Read> => {
    const encoding = req.headers['content-encoding'] ?? 'identity'
    if (encoding !== 'identity' && encoding !== 'gzip')
      throw new Problem('unsupported_media_type', { detail: 'the content encoding must be gzip or identity' })
    const options = parseParameters(ImportOptions, parseQueryString(req.url))
    const declared = /;\s*charset="?([\w.:-]+)/i.exec(req.headers['content-type'] ?? '')?.[1]
    const source = req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
    const { name = 'import', encoding: charset = declared, sheet } = options
    const described = { ownerId, name, encoding: charset, sheet }
    const file = await receive(source, described).catch((error: unknown) => {
      throw error instanceof Problem || !isAborted(req)
        ? error
        : new Problem('malformed', { detail: 'the upload was interrupted', cause: error })
    })
    return { file, options: { ...options, format: options.format ?? formatByType[type] } }
  }

  const upload = (read: Read) => {
    return async (req: Request, actor: Actor): Promise<ImportUpload> => {
      if (activeUploads >= config.importMaxUploads)
        throw new Problem('unavailable', {
          detail: 'too many uploads at the same time; try again later',
          headers: { 'Retry-After': '10' },
        })
      activeUploads += 1
      const { file, options } = await read(req, actor.id).finally(() => {
        activeUploads -= 1
      })
      let isUnused = true
      const discard = async (): Promise<void> => {
        isUnused = false
        await files.remove(file.id).catch(() => {})
      }
      // The file is not used if the request is a replay, because the first response is sent again.
      req.res?.once('close', () => void (isUnused && discard()))
      return {
        file,
        options,
        isJson: mediaTypeOf(req) === 'application/json',
        discardOnFailure: async (work) => {
          isUnused = false
          return work().catch(async (error: unknown) => {
            await discard()
            throw error
          })
        },
        toJSON: () => ({ sha256: file.sha256, options }),
      }
    }
  }

  const bareFile = (type: string): [string, Upload<ImportUpload>] => [
    type,
    {
      schema: ImportFile,
      file: true,
      ...(!fileTypes.includes(type) && { unlisted: true }),
      parse: upload((req, ownerId) => readBareFile(req, ownerId, type)),
    },
  ]
  return {
    'multipart/form-data': { schema: ImportForm, file: true, parse: upload(readForm) },
    ...Object.fromEntries([...fileTypes, ...unlistedTypes, ...(takesContacts ? ['text/vcard'] : [])].map(bareFile)),
  }
}

const isAborted = (req: IncomingMessage): boolean => req.destroyed && !req.readableEnded
