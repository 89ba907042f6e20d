import { mediaRejected } from '@clientele/contracts/media'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { fieldProblem, type Problem } from '@clientele/platform/runtime/problem'
import type { ImageBudget } from '../images/image-budget.ts'
import type { ImageQueue } from '../images/image-queue.ts'
import { storedType } from '../images/image-task.ts'
import { ImageRejected, type ProducedImage, type ProduceImage } from '../images/image-worker.ts'
import { variantKey } from '../media/media-keys.ts'
import { readExisting, type Store } from '../storage/store.ts'
import type { IncomingFile } from './storage-engine.ts'

/** A sanitised image. Its original is in the store, but it has no row yet. */
export type SanitisedImage = ProducedImage & { id: string; mimeType: string }

type Deps = {
  db: Db
  store: Store
  queue: ImageQueue
  budget: ImageBudget
  produce: ProduceImage
  maxPixels: number
}

const messages = {
  undecodable: 'is damaged or not an image that can be decoded',
  too_many_pixels: 'has more pixels than allowed',
  too_complex: 'takes too much time or memory to decode: send it with fewer pixels, or as an ordinary JPEG',
}

/**
 * Re-encodes an uploaded image, so that nothing but its pixels is kept, and stores the result as the original. The uploaded
 * file is removed.
 * @throws Problem 422 if the image is rejected, after the event `media.rejected.v1`; 429 if the user's budget of images is used up;
 * 503 if the image queue is full
 */
export const createSanitiser = ({ db, store, queue, budget, produce, maxPixels }: Deps) => {
  const reject = async (file: IncomingFile, { reason }: ImageRejected, actor: Actor): Promise<Problem> => {
    const { id, mimeType, bytes, sha256 } = file
    await db.transaction((tx) =>
      outbox.add(tx, mediaRejected.of({ id, mimeType, bytes, sha256, reason, version: 1 }, actorRef(actor))),
    )
    const limit = reason === 'too_many_pixels' ? ` (${maxPixels})` : ''
    return fieldProblem('/file', reason, `${messages[reason]}${limit}`)
  }

  const sanitise = async (file: IncomingFile, { id: userId }: Actor, signal: AbortSignal): Promise<SanitisedImage> => {
    // Uploads that had their turns while this one waited may have used the budget up.
    budget.assertLeft(userId)
    const mimeType = storedType[file.mimeType]
    const task = { kind: 'sanitise', type: file.mimeType, bytes: file.bytes, maxPixels } as const
    const writeOriginal = (data: AsyncIterable<Uint8Array>) =>
      store.write(variantKey(file.id, 'original'), data, { contentType: mimeType, signal })
    const uploaded = await readExisting(store, file.key)
    const onDecode = (pixels: number) => budget.charge(userId, pixels)
    return { id: file.id, mimeType, ...(await produce(task, uploaded, writeOriginal, { signal, onDecode })) }
  }

  return async (file: IncomingFile, actor: Actor, signal: AbortSignal): Promise<SanitisedImage> => {
    try {
      return await queue.run(() => sanitise(file, actor, signal), { signal, userId: actor.id })
    } catch (error) {
      throw error instanceof ImageRejected ? await reject(file, error, actor) : error
    } finally {
      await store.remove(file.key).catch(() => {})
    }
  }
}
