import { type Media, mediaStored } from '@clientele/contracts/media'
import type { MediaLink } from '@clientele/features/photos/media-link'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { Problem } from '@clientele/platform/runtime/problem'
import type { CleanedImage } from '../uploads/clean-upload.ts'
import type { MediaModel, MediaTable } from './media.model.ts'
import { presentEvent, presentMedia } from './media.presenter.ts'
import type { Removal } from './media.removal.ts'

type Deps = { db: Db; model: MediaTable; link: MediaLink; removal: Removal }

const notFound = (): Problem => new Problem('not_found', { detail: 'there is no such media' })

export type MediaService = ReturnType<typeof createMediaService>

export const createMediaService = ({ db, model, link, removal }: Deps) => {
  const find = async (id: string, tx?: Tx): Promise<MediaModel> => {
    const media = await model.findOne({ where: { id, deletedAt: null }, transaction: tx ?? null })
    if (!media) throw notFound()
    return media
  }

  return {
    find,

    /** The row of an image whose original is in the store already. */
    create: (image: CleanedImage, actor: Actor): Promise<Media> =>
      db.transaction(async (tx) => {
        const by = { createdBy: actor.id, createdByName: actor.displayName }
        const media = await model.create({ ...image, ...by, createdAt: new Date() }, { transaction: tx })
        await outbox.add(tx, mediaStored.of(presentEvent(media), actorRef(actor)))
        return presentMedia(media, link)
      }),

    get: async (id: string): Promise<Media> => presentMedia(await find(id), link),

    /** @throws Problem 404; 409 while something shows it; 412 */
    remove: (id: string, actor: Actor, ifMatch?: number): Promise<void> =>
      db.transaction(async (tx) => {
        const { version } = await find(id, tx)
        if (ifMatch !== undefined && ifMatch !== version)
          throw new Problem('precondition_failed', { detail: `the media is in version ${version}` })
        const [removed] = await removal.unused([id], 'requested', actor, tx)
        if (removed !== undefined) return
        await find(id, tx)
        throw new Problem('in_use', { detail: 'something shows this media' })
      }),
  }
}
