import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { isFieldErrorCode } from '@clientele/contracts/field-error'
import { Media } from '@clientele/contracts/media'
import { ProblemBody, type ProblemCode, problems } from '@clientele/contracts/problem'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { createServiceClient } from '@clientele/platform/http/service-client'
import { Problem } from '@clientele/platform/runtime/problem'

/** An uploaded image. With the same `idempotencyKey` and bytes, media-service returns the same media id again. */
type Photo = { stream: Readable; filename: string; mimeType: string; idempotencyKey?: string | undefined }

/** Client of media-service. */
export type MediaClient = {
  /**
   * Forwards an image as it arrives. @returns its media id
   * @throws Problem 409, 413, 415, 422 or 429 from media-service; 503 if media-service is unavailable
   */
  store(photo: Photo, actor: Actor, signal: AbortSignal): Promise<string>
  exists(mediaId: string, actor: Actor): Promise<boolean>
  /** Deletes the image of a failed request. Errors are ignored, because media-service cleans up unused images. */
  discard(mediaId: string, actor: Actor): Promise<void>
  close(): Promise<void>
}

type Options = { mediaServiceUrl: string; mediaTimeoutMs: number }

/** Timeout of requests without an image. */
const shortTimeoutMs = 5_000
/** The statuses of media-service that concern the image itself. Their problems are forwarded to the client. */
const forwardedStatuses: readonly number[] = [409, 413, 415, 422, 429]

/** Converts a problem of media-service; undefined if it does not concern the image. */
const toPhotoProblem = ({ status, code, detail, limit }: ProblemBody, retryAfter: unknown): Problem | undefined => {
  if (!forwardedStatuses.includes(status) || !Object.hasOwn(problems, code)) return undefined
  return new Problem(code as ProblemCode, {
    ...(detail !== undefined && { detail }),
    errors: [
      {
        pointer: '/photo',
        code: isFieldErrorCode(code) ? code : 'invalid',
        message: detail ?? problems[code as ProblemCode].title,
      },
    ],
    ...(limit !== undefined && { extra: { limit } }),
    ...(typeof retryAfter === 'string' && { headers: { 'Retry-After': retryAfter } }),
  })
}

// Removes characters that would end the quoted file name or the header (RFC 7578, section 4.2).
const escapeFileName = (text: string): string => text.replace(/[\r\n"\\]/g, '_').slice(0, 200)

async function* encodeForm({ stream, filename, mimeType }: Photo, boundary: string) {
  const type = /^[\w.+-]+\/[\w.+-]+$/.test(mimeType) ? mimeType : 'application/octet-stream'
  yield `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${escapeFileName(filename)}"\r\nContent-Type: ${type}\r\n\r\n`
  // media-service may respond before the end of the upload. The stream is not destroyed then, because the client could not be
  // sent a response. `drainRequest` reads the rest.
  yield* stream.iterator({ destroyOnReturn: false })
  yield `\r\n--${boundary}--\r\n`
}

/** Creates a client that calls media-service with the user's access token. */
export const createMediaClient = ({ mediaServiceUrl, mediaTimeoutMs }: Options): MediaClient => {
  const client = createServiceClient({
    service: 'media-service',
    url: mediaServiceUrl,
    unavailableDetail: 'photos cannot be uploaded at the moment',
    maxConnections: 50,
    connectTimeoutMs: 3_000,
    timeoutMs: mediaTimeoutMs,
    bodyTimeoutMs: shortTimeoutMs,
    maxResponseBytes: 100_000,
  })
  const call = (method: 'GET' | 'DELETE', mediaId: string, actor: Actor) =>
    client.call({ method, path: `/v1/media/${mediaId}`, timeoutMs: shortTimeoutMs }, actor)

  return {
    store: async (photo, actor, signal) => {
      const boundary = `clientele-${randomBytes(16).toString('hex')}`
      const { idempotencyKey } = photo
      const headers = {
        'content-type': `multipart/form-data; boundary=${boundary}`,
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      }
      const body = Readable.from(encodeForm(photo, boundary), { objectMode: false })
      const response = await client
        .call({ method: 'POST', path: '/v1/media', headers, body, signal }, actor)
        .catch((error: unknown) => {
          throw signal.aborted || photo.stream.errored
            ? new Problem('malformed', { detail: 'the upload was interrupted', cause: error })
            : error
        })
      if (response.status === 201) return client.parse(response, Media).id
      const problem = toPhotoProblem(client.parse(response, ProblemBody), response.headers['retry-after'])
      throw problem ?? client.unexpectedStatus(response)
    },

    exists: async (mediaId, actor) => {
      const response = await call('GET', mediaId, actor)
      if (response.status === 200) return true
      if (response.status === 404) return false
      throw client.unexpectedStatus(response)
    },

    discard: async (mediaId, actor) => {
      await call('DELETE', mediaId, actor).catch(() => {})
    },

    close: client.close,
  }
}
