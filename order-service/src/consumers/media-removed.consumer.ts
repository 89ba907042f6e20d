import { mediaDeleted, mediaRejected } from '@clientele/contracts/media'
import { eventActor } from '@clientele/platform/auth/token-verifier'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { ProductService } from '../products/product.service.ts'

export const mediaRemovedEvents = [mediaDeleted, mediaRejected] as const

/** Clears the photo of every product that shows an image which was deleted or rejected. */
export const mediaRemovedConsumer = ({ products }: { products: ProductService }) =>
  consumer({
    queue: 'order-service.media-gone',
    events: mediaRemovedEvents,
    handle: ({ subject, data }, tx) => products.clearPhoto(subject, eventActor(data.actor), tx),
  })
