import { type BatchItem, type Customer, type CustomerBatchResult, CustomerTags } from '@clientele/contracts/customer'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { batchKey, runBatch } from '@clientele/platform/http/batch'
import { ifMatchOf } from '@clientele/platform/http/if-match'
import { parseBody } from '@clientele/platform/http/request-parsing'
import type { Inputs } from './customer.input.ts'
import type { CustomerService } from './customer.service.ts'

type Outcome = { status: number; id?: string | undefined; customer?: Customer }

/** Runs the items in order. Each succeeds or fails by itself. After `stopAt` no further one begins. */
export const createBatch = (customers: CustomerService, inputs: Inputs) => {
  const run = async (item: BatchItem, actor: Actor): Promise<Outcome> => {
    if (item.op === 'create') {
      const customer = await customers.create(parseBody(inputs.NewCustomer, item.data), actor)
      return { status: 201, id: customer.id, customer }
    }
    const key = batchKey(item, 'the customer')
    const access = { actor, ifMatch: ifMatchOf(item.op === 'tag' ? undefined : item.version) }
    if (item.op === 'delete') return { status: 204, id: await customers.delete(key, access) }
    if (item.op === 'restore') return { status: 200, id: item.id, customer: await customers.restore(key, access) }
    const customer =
      item.op === 'tag'
        ? await customers.tag(key, parseBody(CustomerTags, { add: item.add, remove: item.remove }), access)
        : await customers.update(key, parseBody(inputs.CustomerPatch, item.data), access)
    return { status: 200, id: customer.id, customer }
  }

  return (items: readonly BatchItem[], actor: Actor, stopAt: number): Promise<CustomerBatchResult> =>
    runBatch(items, stopAt, (item) => run(item, actor))
}
export type Batch = ReturnType<typeof createBatch>
