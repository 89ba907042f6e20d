import { type Media, mediaStored } from '@clientele/contracts/media'
import type { MediaLink } from '@clientele/features/photos/media-link'
import { type Actor, actorRef } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import type { UserNames } from '@clientele/platform/data/user-names'
import { outbox } from '@clientele/platform/events/outbox/outbox'
import { type IfMatch, requireVersion } from '@clientele/platform/http/if-match'
import { Problem } from '@clientele/platform/runtime/problem'
import type { SanitisedImage } from '../uploads/sanitise-upload.ts'
import type { MediaModel, MediaRow, MediaTable } from './media.model.ts'
import { presentEventData, presentMedia } from './media.presenter.ts'
import type { MediaQuota } from './media.quota.ts'
import type { Removal } from './media.removal.ts'

type Deps = {
  db: Db
  model: MediaTable
  link: MediaLink
  removal: Removal
  quota: MediaQuota
  userNames: UserNames
}

const notFound = (): Problem => new Problem('not_found', { detail: 'image not found' })

export type MediaService = ReturnType<typeof createMediaService>

export const createMediaService = ({ db, model, link, removal, quota, userNames }: Deps) => {
  const find = async (id: string, tx?: Tx): Promise<MediaModel> => {
    const media = await model.findOne({ where: { id, deletedAt: null }, transaction: tx ?? null })
    if (!media) throw notFound()
    return media
  }

  return {
    find,

    /** Creates the row of an image. Its original is already in the store. @throws Problem 429 */
    create: (image: SanitisedImage, actor: Actor): Promise<Media> =>
      db.transaction(async (tx) => {
        await quota.assertRoom(actor, image.bytes, tx)
        const by = { createdBy: actor.id, createdByName: actor.displayName }
        const media = await model.create({ ...image, ...by, createdAt: new Date() }, { transaction: tx })
        await outbox.add(tx, mediaStored.of(presentEventData(media), actorRef(actor)))
        return presentMedia(media, link)
      }),

    get: async (id: string): Promise<Media> => {
      const [named] = await userNames.withCurrentNames<MediaRow>([(await find(id)).get()])
      if (!named) throw notFound()
      return presentMedia(named, link)
    },

    /** @throws Problem 404; 409 if a customer or product shows it; 412 if `ifMatch` is another version */
    delete: (id: string, actor: Actor, ifMatch?: IfMatch): Promise<void> =>
      db.transaction(async (tx) => {
        const { version } = await find(id, tx)
        requireVersion('the image', { version }, ifMatch)
        const [removed] = await removal.removeUnused([id], 'requested', actor, tx)
        if (removed !== undefined) return
        // Not deleted: it does not exist any more (404), or it is in use.
        await find(id, tx)
        throw new Problem('in_use', { detail: 'a customer or product shows the image' })
      }),
  }
}
