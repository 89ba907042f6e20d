import { customerEvents, customerPurged } from '@clientele/contracts/customer'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import { type CustomerProjection, knownCustomer, purgedCustomer } from '../customers/customer.projection.ts'

/** Updates the projection of customers. An update may concern a customer in the trash, so the state comes from `deletedAt`. */
export const customerConsumer = ({ customers }: { customers: CustomerProjection }) =>
  consumer({
    queue: 'order-service.customers',
    events: customerEvents,
    handle: ({ type, subject, data }, tx) => {
      const row = type === customerPurged.type ? purgedCustomer : knownCustomer
      return customers.upsertIfNewer(row({ ...data, id: subject }), tx)
    },
  })
