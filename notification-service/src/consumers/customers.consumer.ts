import { customerEvents, customerPurged } from '@clientele/contracts/customer'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { CustomerProjection } from '../customers/customer.projection.ts'

/** Keeps whom messages go to; every event of a customer carries all of it. */
export const customerChanged = ({ customers }: { customers: CustomerProjection }) =>
  consumer({
    queue: 'notification-service.customers',
    events: customerEvents,
    handle: ({ type, data }, tx) =>
      type === customerPurged.type ? customers.purge(data, tx) : customers.upsertIfNewer(data, tx),
  })
