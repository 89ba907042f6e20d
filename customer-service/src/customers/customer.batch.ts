import { type BatchItem, type Customer, type CustomerBatchResult, CustomerTags } from '@clientele/contracts/customer'
import { line } from '@clientele/contracts/fields'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { parseBody } from '@clientele/platform/http/request-parsing'
import { currentLog } from '@clientele/platform/runtime/log'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import { z } from 'zod'
import type { CustomerKey } from './customer.finder.ts'
import type { Inputs } from './customer.input.ts'
import type { CustomerService } from './customer.service.ts'

type Outcome = { status: number; id?: string | undefined; customer?: Customer }

const NamedKey = z.strictObject({ key: line(300) })

const keyOf = ({
  id,
  key,
  idBy,
}: {
  id?: string | undefined
  key?: string | undefined
  idBy?: CustomerKey['idBy']
}): CustomerKey => {
  if (id !== undefined && key === undefined && idBy === undefined) return { key: id }
  if (id === undefined && key !== undefined && idBy !== undefined) return { ...parseBody(NamedKey, { key }), idBy }
  throw fieldProblem('/id', 'required', 'name the customer by id, or by key and idBy')
}

const toProblem = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  currentLog().error({ err: error }, 'batch item failed')
  return new Problem('internal')
}

const notTried = (): Problem =>
  new Problem('unavailable', {
    detail: 'the batch took too long, so this item was not tried; send it again in another batch',
  })

/** Runs the items in order. Each succeeds or fails by itself. After `stopAt` no further one begins. */
export const createBatch = (customers: CustomerService, inputs: Inputs) => {
  const run = async (item: BatchItem, actor: Actor): Promise<Outcome> => {
    if (item.op === 'create') {
      const customer = await customers.create(parseBody(inputs.NewCustomer, item.data), actor)
      return { status: 201, id: customer.id, customer }
    }
    const key = keyOf(item)
    const version = item.op === 'tag' ? undefined : item.version
    const access = { actor, ifMatch: version === undefined ? undefined : [version] }
    if (item.op === 'delete') return { status: 204, id: await customers.delete(key, access) }
    if (item.op === 'restore') return { status: 200, id: item.id, customer: await customers.restore(key, access) }
    const customer =
      item.op === 'tag'
        ? await customers.tag(key, parseBody(CustomerTags, { add: item.add, remove: item.remove }), access)
        : await customers.update(key, parseBody(inputs.CustomerPatch, item.data), access)
    return { status: 200, id: customer.id, customer }
  }

  return async (items: readonly BatchItem[], actor: Actor, stopAt: number): Promise<CustomerBatchResult> => {
    const results: CustomerBatchResult['results'] = []
    for (const [index, item] of items.entries()) {
      const work = performance.now() < stopAt ? run(item, actor) : Promise.reject(notTried())
      const outcome = await work.catch((error: unknown) => {
        const problem = toProblem(error)
        return { status: problem.status, problem: problem.toBody() }
      })
      results.push({ index, ...outcome })
    }
    const failed = results.filter(({ status }) => status >= 400).length
    return { results, counts: { succeeded: results.length - failed, failed } }
  }
}
export type Batch = ReturnType<typeof createBatch>

/** Whether the response is 200: all items succeeded with the same status. Otherwise it is 207, so that a 200 never contains an error. */
export const isUniform = ({ results }: CustomerBatchResult): boolean =>
  results.every(({ status }) => status < 400 && status === results[0]?.status)
