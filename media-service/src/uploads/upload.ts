import { finished } from 'node:stream/promises'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { currentLog } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { withTimeout } from '@clientele/platform/runtime/timeout'
import type { Request } from 'express'
import { variantKey } from '../media/media-keys.ts'
import type { Store } from '../storage/store.ts'
import type { CleanedImage } from './clean-upload.ts'
import type { IncomingFile } from './storage-engine.ts'

/** An uploaded image in the store, for whom a row has to be made before the answer is sent, or it is discarded. */
export type Upload = {
  /** Makes use of the image. @throws what `use` throws, after the image was discarded */
  keep<T>(use: (image: CleanedImage) => Promise<T>): Promise<T>
  /** What a repeated request is compared by: the content as it was sent. */
  toJSON(): { sha256: string }
}

type Deps = {
  store: Store
  maxUploads: number
  /** Refuses where so many images, one after the other, would take too long. */
  check: (images: number) => void
  readMultipart: (req: Request) => Promise<IncomingFile>
  clean: (file: IncomingFile, actor: Actor, signal: AbortSignal) => Promise<CleanedImage>
}

const tooMany = (): Problem =>
  new Problem('unavailable', { detail: 'too many uploads at the same time', headers: { 'Retry-After': '5' } })

const restMs = 30_000

// Most clients look for an answer only when they have sent all.
const readRest = async (req: Request): Promise<void> => {
  req.resume()
  await withTimeout(restMs, 'the body is still being sent', finished(req)).catch(() => {})
}

/** Reads uploads, `maxUploads` at the same time. A client that goes away leaves nothing in the store. */
export const createUploadReader = ({ store, maxUploads, check, readMultipart, clean }: Deps) => {
  let underWay = 0

  const read = async (req: Request, actor: Actor): Promise<Upload> => {
    const answered = new AbortController()
    req.res?.once('close', () => answered.abort(new Problem('malformed', { detail: 'the client went away' })))
    const file = await readMultipart(req)
    const image = await clean(file, actor, answered.signal)

    let held = true
    const discard = async () => {
      held = false
      await store
        .remove(variantKey(image.id, 'original'))
        .catch((err: unknown) => currentLog().warn({ err }, 'an original is left to the cleanup'))
    }
    const discardUnused = () => void (held && discard())
    if (answered.signal.aborted) await discard()
    else answered.signal.addEventListener('abort', discardUnused)

    return {
      toJSON: () => ({ sha256: file.sha256 }),
      keep: async (use) => {
        // A 4xx would be kept as the answer of an Idempotency-Key, and the same upload may come again.
        if (!held)
          throw new Problem('unavailable', {
            detail: 'the client went away',
            headers: { 'Retry-After': '1' },
            cause: answered.signal.reason,
          })
        held = false
        try {
          return await use(image)
        } catch (error) {
          await discard()
          throw error
        }
      },
    }
  }

  return async (req: Request, actor: Actor): Promise<Upload> => {
    try {
      if (underWay >= maxUploads) throw tooMany()
      check(underWay)
    } catch (error) {
      await readRest(req)
      throw error
    }
    underWay += 1
    try {
      return await read(req, actor)
    } finally {
      underWay -= 1
    }
  }
}
