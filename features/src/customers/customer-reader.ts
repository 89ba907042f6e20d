import { Customer } from '@clientele/contracts/customer'
import { page } from '@clientele/contracts/page'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { createServiceClient, type ServiceClient } from '@clientele/platform/http/service-client'

export type CustomerReader = {
  /**
   * Reads whole customers with the rights of the actor, a hundred with each request. Those that do not exist, are in the trash or are
   * not the actor's to read are left out.
   * @throws Problem 503 if customer-service does not respond within two seconds, or refuses
   */
  findMany(ids: Iterable<string>, actor: Actor): Promise<Map<string, Customer>>
}

const timeoutMs = 2_000
/** The maximum of the filter `id` of a list. */
const maxIds = 100

/** Creates a client of customer-service. `unavailableDetail` says what cannot be done without it. */
export const createCustomerServiceClient = (url: string, unavailableDetail: string): ServiceClient =>
  createServiceClient({
    service: 'customer-service',
    url,
    unavailableDetail,
    maxConnections: 10,
    connectTimeoutMs: 2_000,
    timeoutMs: 4_000,
    bodyTimeoutMs: 4_000,
    maxResponseBytes: 10_000_000,
  })

/** Reads customers from customer-service. */
export const createCustomerReader = (client: ServiceClient): CustomerReader => {
  const readPage = async (ids: readonly string[], actor: Actor): Promise<Customer[]> => {
    const path = `/v1/customers?id=${ids.join(',')}&limit=${maxIds}`
    const response = await client.call({ method: 'GET', path, timeoutMs }, actor)
    if (response.status !== 200) throw client.unexpectedStatus(response)
    return client.parse(response, page(Customer)).data
  }

  return {
    findMany: async (ids, actor) => {
      const unique = [...new Set(ids)]
      const pages: Promise<Customer[]>[] = []
      for (let start = 0; start < unique.length; start += maxIds)
        pages.push(readPage(unique.slice(start, start + maxIds), actor))
      return new Map((await Promise.all(pages)).flat().map((customer) => [customer.id, customer]))
    },
  }
}
