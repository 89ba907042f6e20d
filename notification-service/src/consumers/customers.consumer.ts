import { customerEvents, customerPurged } from '@clientele/contracts/customer'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import type { CustomerProjection } from '../customers/customer.projection.ts'

/** Updates the projection of customers. Every event contains the whole customer. */
export const customerConsumer = ({ customers }: { customers: CustomerProjection }) =>
  consumer({
    queue: 'notification-service.customers',
    events: customerEvents,
    handle: ({ type, data }, tx) =>
      type === customerPurged.type ? customers.purge(data, tx) : customers.upsertIfNewer(data, tx),
  })
