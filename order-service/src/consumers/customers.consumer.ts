import { customerEvents, customerPurged } from '@clientele/contracts/customer'
import { consumer } from '@clientele/platform/events/consumer/consumer'
import { type CustomerProjection, knownCustomer, purgedCustomer } from '../customers/customer.projection.ts'

/** Updates the projection of customers. An update may concern a customer in the trash, so the state comes from `deletedAt`. */
export const customerConsumer = ({ customers }: { customers: CustomerProjection }) =>
  consumer({
    queue: 'order-service.customers',
    events: customerEvents,
    handleAll: (events, tx) => {
      const rows = events.map(({ type, subject, data }) => {
        const row = type === customerPurged.type ? purgedCustomer : knownCustomer
        return row({ ...data, id: subject })
      })
      return customers.upsertIfNewer(rows, tx)
    },
  })
