import { finished } from 'node:stream/promises'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { currentLog } from '@clientele/platform/runtime/log'
import { Problem } from '@clientele/platform/runtime/problem'
import { withTimeout } from '@clientele/platform/runtime/timeout'
import type { Request } from 'express'
import type { ImageBudget } from '../images/image-budget.ts'
import { variantKey } from '../media/media-keys.ts'
import type { Store } from '../storage/store.ts'
import type { SanitisedImage } from './sanitise-upload.ts'
import type { IncomingFile } from './storage-engine.ts'

/**
 * An uploaded image. Its original is in the store, but it has no row yet. It is **pending** until the handler calls `keep`, or
 * until the response is closed. In the second case the original is removed, so a client that disconnects leaves nothing behind.
 */
export type Upload = {
  /** Runs `use`, which creates the row. @throws what `use` throws, after the image was discarded */
  keep<T>(use: (image: SanitisedImage) => Promise<T>): Promise<T>
  /** What a repeated request under an idempotency key is compared by: the hash of the uploaded file. */
  toJSON(): { sha256: string }
}

type Deps = {
  store: Store
  maxUploads: number
  budget: ImageBudget
  /** @throws Problem 503 if this number of images would take too long */
  assertCapacity: (images: number) => void
  readMultipart: (req: Request) => Promise<IncomingFile>
  sanitise: (file: IncomingFile, actor: Actor, signal: AbortSignal) => Promise<SanitisedImage>
}

const tooMany = (): Problem =>
  new Problem('unavailable', { detail: 'too many concurrent uploads', headers: { 'Retry-After': '5' } })
const tooManyOfUser = (): Problem =>
  new Problem('rate_limited', {
    detail: 'too many concurrent uploads of one user; send the next one when one has ended',
    headers: { 'Retry-After': '5' },
  })

const drainTimeoutMs = 30_000

// Most clients read the response only after they have sent the whole body.
const drainRequest = async (req: Request): Promise<void> => {
  req.resume()
  await withTimeout(drainTimeoutMs, 'the client is still sending the body', finished(req)).catch(() => {})
}

/**
 * Reads uploads, at most `maxUploads` at the same time. A user may have as many as are free, so one user has at most half of
 * them, two have a third each, and there is always room for another user.
 */
export const createUploadReader = ({ store, maxUploads, budget, assertCapacity, readMultipart, sanitise }: Deps) => {
  const activeUploads = new Map<string, number>()

  /** @throws Problem 429, 503 */
  const assertRoom = ({ id }: Actor): void => {
    budget.assertLeft(id)
    const own = activeUploads.get(id) ?? 0
    const counts = [...activeUploads.values()]
    const free = maxUploads - counts.reduce((sum, count) => sum + count, 0)
    if (free <= 0) throw tooMany()
    if (own >= free) throw tooManyOfUser()
    // The queue serves users in turns, so no other user's images come before more than one of this user's.
    assertCapacity(counts.reduce((sum, count) => sum + Math.min(count, own + 1), 0))
  }

  const count = ({ id }: Actor, change: number): void => {
    const active = (activeUploads.get(id) ?? 0) + change
    if (active === 0) activeUploads.delete(id)
    else activeUploads.set(id, active)
  }

  const read = async (req: Request, actor: Actor): Promise<Upload> => {
    const closed = new AbortController()
    req.res?.once('close', () => closed.abort(new Problem('malformed', { detail: 'the client disconnected' })))
    const file = await readMultipart(req)
    const image = await sanitise(file, actor, closed.signal)

    let pending = true
    const discard = async () => {
      pending = false
      await store
        .remove(variantKey(image.id, 'original'))
        .catch((err: unknown) => currentLog().warn({ err }, 'original could not be removed: left to the cleanup'))
    }
    const discardIfPending = () => void (pending && discard())
    if (closed.signal.aborted) await discard()
    else closed.signal.addEventListener('abort', discardIfPending)

    return {
      toJSON: () => ({ sha256: file.sha256 }),
      keep: async (use) => {
        // Not a 4xx: that would be stored as the response of the idempotency key, and the client may send the upload again.
        if (!pending)
          throw new Problem('unavailable', {
            detail: 'the client disconnected',
            headers: { 'Retry-After': '1' },
            cause: closed.signal.reason,
          })
        pending = false
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
      assertRoom(actor)
    } catch (error) {
      await drainRequest(req)
      throw error
    }
    count(actor, 1)
    try {
      return await read(req, actor)
    } finally {
      count(actor, -1)
    }
  }
}
