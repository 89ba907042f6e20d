import type { IncomingMessage } from 'node:http'
import { ImportFile, ImportForm, ImportOptions } from '@clientele/contracts/import'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { mediaType, parseBody, parseParameters, queryRecord } from '@clientele/platform/http/request-parsing'
import type { Upload } from '@clientele/platform/http/route-definition'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { Request } from 'express'
import type { StorageEngine } from 'multer'
import type { JobFiles } from '../jobs/job-files.ts'
import { receiveForm } from '../uploads/receive-form.ts'
import type { ImportConfig } from './import.config.ts'
import { type ReceivedFile, receiveFile } from './received-file.ts'

/** A file that is stored and has no import yet. */
export type ImportUpload = {
  file: ReceivedFile
  options: ImportOptions
  /** Whether it was said to be JSON. */
  isJson: boolean
  /** Makes use of the file. @throws what `use` throws, after the file was removed */
  keep<T>(use: () => Promise<T>): Promise<T>
  /** What a repeated request is compared by. */
  toJSON(): object
}

const limits = { fields: 20, fieldSize: 200_000 }
const fileTypes = [
  'text/csv',
  'text/tab-separated-values',
  'text/plain',
  'application/json',
  'application/x-ndjson',
  'application/gzip',
  'application/octet-stream',
]
const formatOf: Record<string, ImportOptions['format']> = {
  'text/csv': 'csv',
  'text/tab-separated-values': 'csv',
  'application/x-ndjson': 'ndjson',
}

type Deps = { files: JobFiles; config: Pick<ImportConfig, 'importMaxBytes' | 'importMaxUploads'> }

const longestName = 200
/** What a form calls the file, as far as it can be kept. */
const nameOf = (sent: string): string => sent.replace(/[\p{Cc}\p{Cs}]/gu, '').slice(0, longestName)

/** Readers of the bodies that an import begins with: a form, or the bare file with its options in the address. */
export const importUploads = ({ files, config }: Deps): Record<string, Upload<ImportUpload>> => {
  let underWay = 0

  const receive = (source: AsyncIterable<Uint8Array>, name: string, encoding: string | undefined) =>
    receiveFile(files, source, { name, encoding, maxBytes: config.importMaxBytes })

  const readForm = async (req: Request): Promise<{ file: ReceivedFile; options: ImportOptions }> => {
    let stored: ReceivedFile | undefined
    const storage: StorageEngine = {
      _handleFile: (_req, { stream, originalname }, callback) => {
        const encoding = (req.body as Record<string, unknown> | undefined)?.['encoding']
        receive(
          stream,
          nameOf(originalname),
          typeof encoding === 'string' && encoding !== '' ? encoding : undefined,
        ).then(
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
      const filled = Object.entries({ ...req.body } as Record<string, unknown>).filter(([, value]) => value !== '')
      const options = parseBody(ImportOptions, Object.fromEntries(filled))
      if (!stored) throw fieldProblem('/file', 'required', 'is required')
      const [sent] = (req.files ?? []) as Express.Multer.File[]
      return { file: stored, options: { ...options, name: options.name ?? (sent && nameOf(sent.originalname)) } }
    } catch (error) {
      if (stored) await files.remove(stored.id).catch(() => {})
      throw error
    }
  }

  const readBare = async (req: Request, type: string): Promise<{ file: ReceivedFile; options: ImportOptions }> => {
    const encoding = req.headers['content-encoding'] ?? 'identity'
    if (encoding !== 'identity' && encoding !== 'gzip')
      throw new Problem('unsupported_media_type', { detail: 'send the file plain or as gzip' })
    const options = parseParameters(ImportOptions, queryRecord(req.url))
    const declared = /;\s*charset="?([\w.:-]+)/i.exec(req.headers['content-type'] ?? '')?.[1]
    const source = req.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>
    const file = await receive(source, options.name ?? 'import', options.encoding ?? declared).catch(
      (error: unknown) => {
        throw error instanceof Problem || !isBrokenOff(req)
          ? error
          : new Problem('malformed', { detail: 'the file ended early', cause: error })
      },
    )
    return { file, options: { ...options, format: options.format ?? formatOf[type] } }
  }

  const upload = (read: (req: Request) => Promise<{ file: ReceivedFile; options: ImportOptions }>) => {
    return async (req: Request, _actor: Actor): Promise<ImportUpload> => {
      if (underWay >= config.importMaxUploads)
        throw new Problem('unavailable', { detail: 'too many files are being sent', headers: { 'Retry-After': '10' } })
      underWay += 1
      const { file, options } = await read(req).finally(() => {
        underWay -= 1
      })
      let held = true
      const discard = async (): Promise<void> => {
        held = false
        await files.remove(file.id).catch(() => {})
      }
      // Answered without being kept: a repeated request, whose first file is the one.
      req.res?.once('close', () => void (held && discard()))
      return {
        file,
        options,
        isJson: mediaType(req) === 'application/json',
        keep: async (use) => {
          held = false
          return use().catch(async (error: unknown) => {
            await discard()
            throw error
          })
        },
        toJSON: () => ({ sha256: file.sha256, options }),
      }
    }
  }

  const bare = (type: string): [string, Upload<ImportUpload>] => [
    type,
    { schema: ImportFile, file: true, parse: upload((req) => readBare(req, type)) },
  ]
  return {
    'multipart/form-data': { schema: ImportForm, file: true, parse: upload(readForm) },
    ...Object.fromEntries(fileTypes.map(bare)),
  }
}

const isBrokenOff = (req: IncomingMessage): boolean => req.destroyed && !req.readableEnded
