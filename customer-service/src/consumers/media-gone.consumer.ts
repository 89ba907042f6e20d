import { mediaDeleted, mediaRejected } from '@clientele/contracts/media'
import { systemActor } from '@clientele/platform/auth/token-verifier'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { CustomerService } from '../customers/customer.service.ts'

export const mediaGoneEvents = [mediaDeleted, mediaRejected] as const

/** Takes a photo that is no more off the customers that have it. */
export const mediaGone = ({ customers }: { customers: CustomerService }) =>
  consumer({
    queue: 'customer-service.media-gone',
    events: mediaGoneEvents,
    handle: ({ subject, data }, tx) => customers.dropPhoto(subject, { ...systemActor(''), ...data.actor }, tx),
  })
