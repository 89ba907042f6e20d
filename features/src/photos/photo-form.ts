import { createHash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { Readable } from 'node:stream'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Request } from 'express'
import type { StorageEngine } from 'multer'
import { receiveForm } from '../uploads/receive-form.ts'
import type { MediaClient } from './media.client.ts'

/** The fields of a form, and the media id of its file. */
type Form = { fields: Record<string, unknown>; mediaId: string | undefined }

const fileFields = ['photo', 'picture'] as const
const limits = { fields: 100, fieldSize: 60_000, fieldNestingDepth: 1 }

type Stored = Partial<Express.Multer.File> & { mediaId?: string }

/**
 * `owner` is the kind of resource, for example `customer`. With it, idempotency keys of different kinds do not clash in
 * media-service.
 */
export type PhotoTarget = { media: MediaClient; owner: string }

/** Whether the request has an idempotency key. */
const isKeyed = ({ method, headers }: IncomingMessage): boolean =>
  method === 'POST' && headers['idempotency-key'] !== undefined

/**
 * Returns the idempotency key for media-service: a hash, which differs from any key that the user sends to media-service
 * directly.
 */
const idempotencyKeyOf = (req: IncomingMessage, owner: string): string | undefined =>
  isKeyed(req)
    ? createHash('sha256').update(`photo of a ${owner}\n${req.headers['idempotency-key']}`).digest('base64url')
    : undefined

/**
 * Deletes the uploaded image of a failed request. With an Idempotency-Key it is kept, because the client may send the key again
 * with corrected fields, and media-service then returns the same image. If the client does not, media-service removes the
 * unused image.
 */
export const discardUpload = async (
  req: IncomingMessage,
  media: MediaClient,
  mediaId: string | undefined,
  actor: Actor,
): Promise<void> => {
  if (mediaId !== undefined && !isKeyed(req)) await media.discard(mediaId, actor)
}

/** Creates a signal that aborts if the client disconnects before its request is complete. */
export const abortOnDisconnect = (req: IncomingMessage): AbortSignal => {
  const disconnected = new AbortController()
  req.once('close', () => {
    if (!req.readableEnded) disconnected.abort()
  })
  return disconnected.signal
}

/** Creates a multer storage engine that forwards the file to media-service while it arrives. */
const forwardingStorage = ({ media, owner }: PhotoTarget, actor: Actor): StorageEngine => ({
  _handleFile: (req, file, callback) => {
    const { stream, originalname: filename, mimetype: mimeType } = file
    const photo = { stream: stream as Readable, filename, mimeType, idempotencyKey: idempotencyKeyOf(req, owner) }
    media.store(photo, actor, abortOnDisconnect(req)).then(
      (mediaId) => callback(null, { mediaId } as Stored),
      (error: unknown) => {
        stream.resume()
        callback(error)
      },
    )
  },
  _removeFile: (req, file, callback) => {
    discardUpload(req, media, (file as Stored).mediaId, actor).then(() => callback(null), callback)
  },
})

/** Reads a multipart body and forwards its file (`photo` or `picture`) to media-service. @throws Problem */
export const readPhotoForm = async (req: Request, actor: Actor, target: PhotoTarget): Promise<Form> => {
  await receiveForm(req, { storage: forwardingStorage(target, actor), limits, fileFields, oversizedStatus: 413 })
  const [file] = (req.files ?? []) as Stored[]
  return { fields: { ...req.body }, mediaId: file?.mediaId }
}
