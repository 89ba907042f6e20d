import { customerEvents, customerPurged } from '@clientele/contracts/customer'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { CustomerStates } from '../customers/customer.projection.ts'

/** Keeps which customers there are; an update may be one of a customer in the trash. */
export const customerChanged = ({ customerStates }: { customerStates: CustomerStates }) =>
  consumer({
    queue: 'order-service.customers',
    events: customerEvents,
    handle: ({ type, subject, data: { deletedAt, version } }, tx) => {
      const present = deletedAt === null ? 'active' : 'trash'
      const state = type === customerPurged.type ? 'purged' : present
      return customerStates.upsertIfNewer({ id: subject, state, version }, tx)
    },
  })
