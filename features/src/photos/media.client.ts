import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { Media } from '@clientele/contracts/media'
import { ProblemBody, type ProblemCode, problems } from '@clientele/contracts/problem'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { createServiceClient } from '@clientele/platform/http/service-client'
import { Problem } from '@clientele/platform/runtime/problem'

/** A photo on its way; `idempotencyKey` makes media-service give the same medium again for the same bytes. */
type Photo = { stream: Readable; filename: string; mimeType: string; idempotencyKey?: string | undefined }

/** What a service asks of media-service. */
export type MediaClient = {
  /** Streams a photo on. @throws Problem 413, 415, 422, 429 as media-service says; 503 where it cannot be reached */
  store(photo: Photo, actor: Actor, signal: AbortSignal): Promise<string>
  exists(mediaId: string, actor: Actor): Promise<boolean>
  /** Takes back what was stored for a request that failed; the sweep of media-service is the net. */
  discard(mediaId: string, actor: Actor): Promise<void>
  close(): Promise<void>
}

type Options = { mediaServiceUrl: string; mediaTimeoutMs: number }

/** For calls that send no photo. */
const shortMs = 5_000
/** Answers of media-service about the photo itself, which the user is told. */
const passedOn: readonly number[] = [409, 413, 415, 422, 429]

/** @returns undefined for an answer that is no Problem of ours about the photo */
const photoProblem = ({ status, code, detail, limit }: ProblemBody, retryAfter: unknown): Problem | undefined => {
  if (!passedOn.includes(status) || !Object.hasOwn(problems, code)) return undefined
  return new Problem(code as ProblemCode, {
    ...(detail !== undefined && { detail }),
    errors: [{ pointer: '/photo', code, message: detail ?? problems[code as ProblemCode].title }],
    ...(limit !== undefined && { extra: { limit } }),
    ...(typeof retryAfter === 'string' && { headers: { 'Retry-After': retryAfter } }),
  })
}

// The names of a part must not end its header early (RFC 7578, section 4.2).
const quoted = (text: string): string => text.replace(/[\r\n"\\]/g, '_').slice(0, 200)

async function* asForm({ stream, filename, mimeType }: Photo, boundary: string) {
  const type = /^[\w.+-]+\/[\w.+-]+$/.test(mimeType) ? mimeType : 'application/octet-stream'
  yield `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="${quoted(filename)}"\r\nContent-Type: ${type}\r\n\r\n`
  // Where media-service answers before the end, the rest is read off elsewhere: a destroyed request could not be answered.
  yield* stream.iterator({ destroyOnReturn: false })
  yield `\r\n--${boundary}--\r\n`
}

/** Calls media-service in the name of the user, with the token that the user sent. */
export const createMediaClient = ({ mediaServiceUrl, mediaTimeoutMs }: Options): MediaClient => {
  const client = createServiceClient({
    service: 'media-service',
    url: mediaServiceUrl,
    unavailableDetail: 'photos cannot be taken at the moment',
    maxConnections: 50,
    connectTimeoutMs: 3_000,
    timeoutMs: mediaTimeoutMs,
    bodyTimeoutMs: shortMs,
    maxAnswerBytes: 100_000,
  })
  const call = (method: 'GET' | 'DELETE', mediaId: string, actor: Actor) =>
    client.call({ method, path: `/v1/media/${mediaId}`, timeoutMs: shortMs }, actor)

  return {
    store: async (photo, actor, signal) => {
      const boundary = `clientele-${randomBytes(16).toString('hex')}`
      const { idempotencyKey } = photo
      const headers = {
        'content-type': `multipart/form-data; boundary=${boundary}`,
        ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
      }
      const body = Readable.from(asForm(photo, boundary), { objectMode: false })
      const answer = await client
        .call({ method: 'POST', path: '/v1/media', headers, body, signal }, actor)
        .catch((error: unknown) => {
          throw signal.aborted || photo.stream.errored
            ? new Problem('malformed', { detail: 'the upload broke off', cause: error })
            : error
        })
      if (answer.status === 201) return client.parse(answer, Media).id
      const problem = photoProblem(client.parse(answer, ProblemBody), answer.headers['retry-after'])
      throw problem ?? client.unexpected(answer)
    },

    exists: async (mediaId, actor) => {
      const answer = await call('GET', mediaId, actor)
      if (answer.status === 200) return true
      if (answer.status === 404) return false
      throw client.unexpected(answer)
    },

    discard: async (mediaId, actor) => {
      await call('DELETE', mediaId, actor).catch(() => {})
    },

    close: client.close,
  }
}
