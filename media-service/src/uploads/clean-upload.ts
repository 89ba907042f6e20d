import { mediaRejected } from '@clientele/contracts/media'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { fieldProblem, type Problem } from '@clientele/platform/runtime/problem'
import type { ImageLane } from '../images/image-lane.ts'
import { keptType } from '../images/image-task.ts'
import { ImageError, type ProducedImage, type ProduceImage } from '../images/image-worker.ts'
import { variantKey } from '../media/media-keys.ts'
import { readStored, type Store } from '../storage/store.ts'
import type { IncomingFile } from './storage-engine.ts'

/** An image fit to be shown; its original is in the store, its row is not made yet. */
export type CleanedImage = ProducedImage & { id: string; mimeType: string }

type Deps = { db: Db; store: Store; lane: ImageLane; produce: ProduceImage; maxPixels: number }

const messages = {
  undecodable: 'is damaged or no image that can be decoded',
  too_many_pixels: 'has more pixels than allowed',
  too_complex: 'takes too long to decode',
}

/** Makes the original that everybody may see from what was sent, one image at a time; what was sent is removed. */
export const createCleaner = ({ db, store, lane, produce, maxPixels }: Deps) => {
  const reject = async (file: IncomingFile, { fault }: ImageError, actor: Actor): Promise<Problem> => {
    const { id, mimeType, bytes, sha256 } = file
    await db.transaction((tx) =>
      outbox.add(tx, mediaRejected.of({ id, mimeType, bytes, sha256, reason: fault, version: 1 }, actorRef(actor))),
    )
    const limit = fault === 'too_many_pixels' ? ` (${maxPixels})` : ''
    return fieldProblem('/file', fault, `${messages[fault]}${limit}`)
  }

  const clean = async (file: IncomingFile, signal: AbortSignal): Promise<CleanedImage> => {
    const mimeType = keptType[file.mimeType]
    const task = { kind: 'clean', type: file.mimeType, bytes: file.bytes, maxPixels } as const
    const keep = (data: AsyncIterable<Uint8Array>) =>
      store.write(variantKey(file.id, 'original'), data, { contentType: mimeType, signal })
    const sent = await readStored(store, file.key)
    return { id: file.id, mimeType, ...(await produce(task, sent, keep, signal)) }
  }

  return async (file: IncomingFile, actor: Actor, signal: AbortSignal): Promise<CleanedImage> => {
    try {
      return await lane.run(() => clean(file, signal), { signal })
    } catch (error) {
      throw error instanceof ImageError ? await reject(file, error, actor) : error
    } finally {
      await store.remove(file.key).catch(() => {})
    }
  }
}
