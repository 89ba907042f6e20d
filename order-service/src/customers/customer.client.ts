import { Customer } from '@clientele/contracts/customer'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { createServiceClient } from '@clientele/platform/http/service-client'
import type { CustomerState } from './customer.projection.ts'

export type CustomerClient = {
  /** A customer that is not in the trash. @throws Problem 503 if customer-service gives no answer */
  find(id: string, actor: Actor): Promise<CustomerState | undefined>
  close(): Promise<void>
}

type Options = { customerServiceUrl: string }

const Known = Customer.pick({ id: true, version: true })

/** Asks customer-service about customers that no event has told of yet. */
export const createCustomerClient = ({ customerServiceUrl }: Options): CustomerClient => {
  const client = createServiceClient({
    service: 'customer-service',
    url: customerServiceUrl,
    unavailableDetail: 'the customer is not known here yet, and customer-service does not answer',
    maxConnections: 10,
    connectTimeoutMs: 2_000,
    timeoutMs: 4_000,
    bodyTimeoutMs: 4_000,
    maxAnswerBytes: 1_000_000,
  })
  return {
    find: async (id, actor) => {
      const answer = await client.call({ method: 'GET', path: `/v1/customers/${id}` }, actor)
      if (answer.status === 404) return undefined
      if (answer.status !== 200) throw client.unexpected(answer)
      return { ...client.parse(answer, Known), state: 'active' }
    },
    close: client.close,
  }
}
