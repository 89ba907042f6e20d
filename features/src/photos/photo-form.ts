import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import type { Request, Response } from 'express'
import multer, { MulterError, type StorageEngine } from 'multer'
import type { MediaClient } from './media.client.ts'

/** The fields of a form as they came, and the medium that its file became. */
type Form = { fields: Record<string, unknown>; mediaId: string | undefined }

const photoNames = ['photo', 'picture']
const limits = { files: 1, fields: 100, parts: 101, fieldSize: 60_000, fieldNameSize: 100, fieldNestingDepth: 1 }

type Stored = Partial<Express.Multer.File> & { mediaId?: string }

/** Where photos go, and whose they are (`customer`): keys of different owners must not meet in media-service. */
export type PhotoTarget = { media: MediaClient; owner: string }

const isKeyed = ({ method, headers }: IncomingMessage): boolean =>
  method === 'POST' && headers['idempotency-key'] !== undefined

/** The key for media-service, made from the caller's: a key of their own uploads must not meet it there. */
const idempotencyKeyOf = (req: IncomingMessage, owner: string): string | undefined =>
  isKeyed(req)
    ? createHash('sha256').update(`photo of a ${owner}\n${req.headers['idempotency-key']}`).digest('base64url')
    : undefined

/**
 * Takes a medium back whose request is refused. Under an Idempotency-Key it stays, for the sweep at worst: the same key may
 * come again with mended fields, and media-service then gives the same medium.
 */
export const takeBack = async (
  req: IncomingMessage,
  media: MediaClient,
  mediaId: string | undefined,
  actor: Actor,
): Promise<void> => {
  if (mediaId !== undefined && !isKeyed(req)) await media.discard(mediaId, actor)
}

/** Aborts when the client goes away before its request has arrived. */
export const untilGone = (req: IncomingMessage): AbortSignal => {
  const gone = new AbortController()
  req.once('close', () => {
    if (!req.readableEnded) gone.abort()
  })
  return gone.signal
}

/** A multer engine that keeps nothing: the file streams on to media-service while it arrives. */
const passOn = ({ media, owner }: PhotoTarget, actor: Actor): StorageEngine => ({
  _handleFile: (req, file, callback) => {
    const { stream, originalname: filename, mimetype: mimeType } = file
    const photo = { stream: stream as Readable, filename, mimeType, idempotencyKey: idempotencyKeyOf(req, owner) }
    media.store(photo, actor, untilGone(req)).then(
      (mediaId) => callback(null, { mediaId } as Stored),
      (error: unknown) => {
        stream.resume()
        callback(error)
      },
    )
  },
  _removeFile: (req, file, callback) => {
    takeBack(req, media, (file as Stored).mediaId, actor).then(() => callback(null), callback)
  },
})

const asProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  if (!(error instanceof MulterError))
    return new Problem('malformed', { detail: 'the form is broken or ended early', cause: error })
  if (error.code === 'LIMIT_FILE_COUNT') return fieldProblem('/photo', 'too_big', 'must be one file')
  if (error.code.startsWith('LIMIT_'))
    return new Problem('too_large', {
      detail: `the form has too many or too long fields${error.field === undefined ? '' : ` (${error.field.slice(0, 50)})`}`,
      extra: { limit: limits.fieldSize },
    })
  return new Problem('malformed', { detail: error.message, cause: error })
}

/** Reads a multipart body: its file named `photo` or `picture` goes on to media-service. @throws Problem */
export const readForm = async (req: Request, actor: Actor, target: PhotoTarget): Promise<Form> => {
  const receive = multer({
    storage: passOn(target, actor),
    limits,
    defParamCharset: 'utf8',
    fileFilter: (_req, { fieldname }, callback) => {
      if (photoNames.includes(fieldname)) callback(null, true)
      else callback(fieldProblem(`/${fieldname}`, 'unknown_field', 'is not a file that this takes; name it photo'))
    },
  }).any()
  await new Promise<void>((resolve, reject) => {
    receive(req, {} as Response, (error?: unknown) =>
      error === undefined || error === null ? resolve() : reject(asProblem(error)),
    )
  })
  const [file] = (req.files ?? []) as Stored[]
  return { fields: { ...req.body }, mediaId: file?.mediaId }
}
