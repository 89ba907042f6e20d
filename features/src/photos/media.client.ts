import { randomBytes } from 'node:crypto'
import { Readable } from 'node:stream'
import { Media } from '@clientele/contracts/media'
import { ProblemBody, type ProblemCode, problems } from '@clientele/contracts/problem'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { onBehalfOf } from '@clientele/platform/http/caller-headers'
import { Problem } from '@clientele/platform/runtime/problem'
import type { Dispatcher } from 'undici'

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

const maxAnswerBytes = 100_000
const shortMs = 5_000
const passedOn: readonly number[] = [409, 413, 415, 422, 429]

const unavailable = (cause?: unknown) =>
  new Problem('unavailable', { detail: 'photos cannot be taken at the moment', headers: { 'Retry-After': '5' }, cause })

const readJson = async (body: Dispatcher.ResponseData['body']): Promise<unknown> => {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of body as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxAnswerBytes) throw unavailable(new Error('media-service answered with too much'))
    chunks.push(chunk)
  }
  return JSON.parse(Buffer.concat(chunks).toString())
}

const refusal = ({ status, code, detail, limit }: ProblemBody, retryAfter: string | undefined): Problem => {
  if (!passedOn.includes(status) || !Object.hasOwn(problems, code))
    return unavailable(new Error(`media-service answered ${status}`))
  return new Problem(code as ProblemCode, {
    ...(detail !== undefined && { detail }),
    errors: [{ pointer: '/photo', code, message: detail ?? problems[code as ProblemCode].title }],
    ...(limit !== undefined && { extra: { limit } }),
    ...(retryAfter !== undefined && { headers: { 'Retry-After': retryAfter } }),
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
  let opened: Dispatcher | undefined
  // Loaded with the first call: many a process never makes one, and its HTTP parser takes memory.
  const request = async (url: string, options: Parameters<typeof import('undici').request>[1]) => {
    const undici = await import('undici')
    opened ??= new undici.Agent({
      connections: 50,
      connect: { timeout: 3_000 },
      headersTimeout: mediaTimeoutMs,
      bodyTimeout: shortMs,
    })
    return undici.request(url, { ...options, dispatcher: opened })
  }

  const call = (method: 'GET' | 'DELETE', mediaId: string, actor: Actor) =>
    request(`${mediaServiceUrl}/v1/media/${mediaId}`, {
      method,
      headers: onBehalfOf(actor),
      signal: AbortSignal.timeout(shortMs),
    })

  return {
    store: async (photo, actor, signal) => {
      const boundary = `clientele-${randomBytes(16).toString('hex')}`
      const { idempotencyKey } = photo
      const answer = await request(`${mediaServiceUrl}/v1/media`, {
        method: 'POST',
        signal: AbortSignal.any([signal, AbortSignal.timeout(mediaTimeoutMs)]),
        headers: {
          ...onBehalfOf(actor),
          'content-type': `multipart/form-data; boundary=${boundary}`,
          ...(idempotencyKey !== undefined && { 'idempotency-key': idempotencyKey }),
        },
        body: Readable.from(asForm(photo, boundary), { objectMode: false }),
      }).catch((error: unknown) => {
        throw signal.aborted || photo.stream.errored
          ? new Problem('malformed', { detail: 'the upload broke off', cause: error })
          : unavailable(error)
      })
      const body = await readJson(answer.body).catch((error: unknown) => {
        throw unavailable(error)
      })
      if (answer.statusCode === 201) return Media.parse(body).id
      const problem = ProblemBody.safeParse(body)
      if (!problem.success) throw unavailable(new Error(`media-service answered ${answer.statusCode}`))
      const retryAfter = answer.headers['retry-after']
      throw refusal(problem.data, typeof retryAfter === 'string' ? retryAfter : undefined)
    },

    exists: async (mediaId, actor) => {
      const { statusCode, body } = await call('GET', mediaId, actor).catch((error: unknown) => {
        throw unavailable(error)
      })
      await body.dump()
      if (statusCode === 200) return true
      if (statusCode === 404) return false
      throw unavailable(new Error(`media-service answered ${statusCode}`))
    },

    discard: async (mediaId, actor) => {
      await call('DELETE', mediaId, actor)
        .then(({ body }) => body.dump())
        .catch(() => {})
    },

    close: async () => opened?.destroy(),
  }
}
