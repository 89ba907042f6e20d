import { mediaDeleted, mediaRejected } from '@clientele/contracts/media'
import { systemActor } from '@clientele/platform/auth/token-verifier'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { ProductService } from '../products/product.service.ts'

export const mediaGoneEvents = [mediaDeleted, mediaRejected] as const

/** Takes a photo that is no more off the products that have it. */
export const mediaGone = ({ products }: { products: ProductService }) =>
  consumer({
    queue: 'order-service.media-gone',
    events: mediaGoneEvents,
    handle: ({ subject, data }, tx) => products.dropPhoto(subject, { ...systemActor(''), ...data.actor }, tx),
  })
