import { Customer } from '@clientele/contracts/customer'
import { page } from '@clientele/contracts/page'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { createServiceClient } from '@clientele/platform/http/service-client'
import { type KnownCustomer, knownCustomer } from './customer.projection.ts'

export type CustomerClient = {
  /** @returns undefined if the customer does not exist or is in the trash. @throws Problem 503 if customer-service is unavailable */
  find(id: string, actor: Actor): Promise<KnownCustomer | undefined>
  /**
   * Reads whole customers with the rights of the actor. Those that do not exist, are in the trash or are not the actor's to read
   * are left out.
   * @throws Problem 503 if customer-service does not respond in time, or refuses
   */
  findMany(ids: Iterable<string>, actor: Actor): Promise<Map<string, Customer>>
  close(): Promise<void>
}

type Options = { customerServiceUrl: string }

const FoundCustomer = Customer.pick({ id: true, version: true, code: true, name: true, surname: true, deletedAt: true })
const listTimeoutMs = 2_000
/** The maximum of the filter `id` of a list. */
const maxIds = 100

/** Reads customers from customer-service: whole ones, and those whose events have not arrived yet. */
export const createCustomerClient = ({ customerServiceUrl }: Options): CustomerClient => {
  const client = createServiceClient({
    service: 'customer-service',
    url: customerServiceUrl,
    unavailableDetail: 'the customer cannot be checked because customer-service is unavailable',
    maxConnections: 10,
    connectTimeoutMs: 2_000,
    timeoutMs: 4_000,
    bodyTimeoutMs: 4_000,
    maxResponseBytes: 10_000_000,
  })

  const readPage = async (ids: readonly string[], actor: Actor): Promise<Customer[]> => {
    const path = `/v1/customers?id=${ids.join(',')}&limit=${maxIds}`
    const response = await client.call({ method: 'GET', path, timeoutMs: listTimeoutMs }, actor)
    if (response.status !== 200) throw client.unexpectedStatus(response)
    return client.parse(response, page(Customer)).data
  }

  return {
    find: async (id, actor) => {
      const response = await client.call({ method: 'GET', path: `/v1/customers/${id}` }, actor)
      if (response.status === 404) return undefined
      if (response.status !== 200) throw client.unexpectedStatus(response)
      return knownCustomer(client.parse(response, FoundCustomer))
    },
    findMany: async (ids, actor) => {
      const unique = [...new Set(ids)]
      const pages: Promise<Customer[]>[] = []
      for (let start = 0; start < unique.length; start += maxIds)
        pages.push(readPage(unique.slice(start, start + maxIds), actor))
      return new Map((await Promise.all(pages)).flat().map((customer) => [customer.id, customer]))
    },
    close: client.close,
  }
}
