import { mediaDeleted, mediaRejected } from '@clientele/contracts/media'
import { eventActor } from '@clientele/platform/auth/token-verifier'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { CustomerService } from '../customers/customer.service.ts'

export const mediaRemovedEvents = [mediaDeleted, mediaRejected] as const

/** Clears the photo of every customer that shows an image which was deleted or rejected. */
export const mediaRemovedConsumer = ({ customers }: { customers: CustomerService }) =>
  consumer({
    queue: 'customer-service.media-gone',
    events: mediaRemovedEvents,
    handle: ({ subject, data }, tx) => customers.clearPhoto(subject, eventActor(data.actor), tx),
  })
