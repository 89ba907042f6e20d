import type { Actor } from '@clientele/platform/auth/token-verifier'
import { fieldProblem } from '@clientele/platform/runtime/problem'
import type { MediaClient } from './media.client.ts'

type Deps<Key> = {
  media: Pick<MediaClient, 'exists'>
  /** Finds the resource that has the photo. @throws Problem 404 */
  find: (key: Key) => Promise<unknown>
}

/** The image of a request, and the JSON pointer to it. */
type Photo = { mediaId: string | null | undefined; pointer: string }

/** The image in the body of a resource. */
export const photoOf = ({ photoMediaId }: { photoMediaId?: string | null | undefined }): Photo => ({
  mediaId: photoMediaId,
  pointer: '/photoMediaId',
})

/** Creates the checks that a request's image exists, before it becomes the photo of a resource. */
export const createPhotoCheck = <Key>({ media, find }: Deps<Key>) => {
  /** @throws Problem 422 if there is no such image */
  const requirePhoto = async ({ mediaId, pointer }: Photo, actor: Actor): Promise<void> => {
    if (typeof mediaId === 'string' && !(await media.exists(mediaId, actor)))
      throw fieldProblem(pointer, 'unknown_media', 'image not found')
  }

  return {
    requirePhoto,

    /** For a resource that should exist. If it does not, that is what the problem says. @throws Problem 404, 422 */
    requirePhotoFor: async (key: Key, photo: Photo, actor: Actor): Promise<void> => {
      if (typeof photo.mediaId !== 'string') return
      await find(key)
      await requirePhoto(photo, actor)
    },
  }
}
