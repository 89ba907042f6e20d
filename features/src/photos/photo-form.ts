import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Request } from 'express'
import type { StorageEngine } from 'multer'
import { receiveForm } from '../uploads/receive-form.ts'
import type { MediaClient } from './media.client.ts'

/** The fields of a form as they came, and the medium that its file became. */
type Form = { fields: Record<string, unknown>; mediaId: string | undefined }

const fileFields = ['photo', 'picture'] as const
const limits = { fields: 100, fieldSize: 60_000, fieldNestingDepth: 1 }

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

/** Reads a multipart body: its file named `photo` or `picture` goes on to media-service. @throws Problem */
export const readForm = async (req: Request, actor: Actor, target: PhotoTarget): Promise<Form> => {
  await receiveForm(req, { storage: passOn(target, actor), limits, fileFields, oversizedStatus: 413 })
  const [file] = (req.files ?? []) as Stored[]
  return { fields: { ...req.body }, mediaId: file?.mediaId }
}
