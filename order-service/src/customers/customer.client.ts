import { Customer } from '@clientele/contracts/customer'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { createServiceClient } from '@clientele/platform/http/service-client'
import { type KnownCustomer, knownCustomer } from './customer.projection.ts'

export type CustomerClient = {
  /** @returns undefined if the customer does not exist or is in the trash. @throws Problem 503 if customer-service is unavailable */
  find(id: string, actor: Actor): Promise<KnownCustomer | undefined>
  close(): Promise<void>
}

type Options = { customerServiceUrl: string }

const FoundCustomer = Customer.pick({ id: true, version: true, code: true, name: true, surname: true, deletedAt: true })

/** Reads customers from customer-service while their events have not arrived yet. */
export const createCustomerClient = ({ customerServiceUrl }: Options): CustomerClient => {
  const client = createServiceClient({
    service: 'customer-service',
    url: customerServiceUrl,
    unavailableDetail: 'the customer cannot be checked because customer-service is unavailable',
    maxConnections: 10,
    connectTimeoutMs: 2_000,
    timeoutMs: 4_000,
    bodyTimeoutMs: 4_000,
    maxResponseBytes: 1_000_000,
  })
  return {
    find: async (id, actor) => {
      const response = await client.call({ method: 'GET', path: `/v1/customers/${id}` }, actor)
      if (response.status === 404) return undefined
      if (response.status !== 200) throw client.unexpectedStatus(response)
      return knownCustomer(client.parse(response, FoundCustomer))
    },
    close: client.close,
  }
}
