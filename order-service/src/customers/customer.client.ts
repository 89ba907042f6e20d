import { Customer } from '@clientele/contracts/customer'
import {
  type CustomerReader,
  createCustomerReader,
  createCustomerServiceClient,
} from '@clientele/features/customers/customer-reader'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { type KnownCustomer, knownCustomer } from './customer.projection.ts'

export type CustomerClient = CustomerReader & {
  /** @returns undefined if the customer does not exist or is in the trash. @throws Problem 503 if customer-service is unavailable */
  find(id: string, actor: Actor): Promise<KnownCustomer | undefined>
  close(): Promise<void>
}

type Options = { customerServiceUrl: string }

const FoundCustomer = Customer.pick({ id: true, version: true, code: true, name: true, surname: true, deletedAt: true })

/** Reads customers from customer-service: whole ones, and those whose events have not arrived yet. */
export const createCustomerClient = ({ customerServiceUrl }: Options): CustomerClient => {
  const client = createCustomerServiceClient(
    customerServiceUrl,
    'the customer cannot be checked because customer-service is unavailable',
  )
  return {
    ...createCustomerReader(client),
    find: async (id, actor) => {
      const response = await client.call({ method: 'GET', path: `/v1/customers/${id}` }, actor)
      if (response.status === 404) return undefined
      if (response.status !== 200) throw client.unexpectedStatus(response)
      return knownCustomer(client.parse(response, FoundCustomer))
    },
    close: client.close,
  }
}
