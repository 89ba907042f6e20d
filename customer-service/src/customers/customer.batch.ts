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

const refused = (error: unknown): Problem => {
  if (error instanceof Problem) return error
  currentLog().error({ err: error }, 'batch item failed')
  return new Problem('internal')
}

/** Runs the items one after the other, each on its own: what fails leaves the others as they are. */
export const createBatch = (customers: CustomerService, inputs: Inputs) => {
  const run = async (item: BatchItem, actor: Actor): Promise<Outcome> => {
    if (item.op === 'create') {
      const customer = await customers.create(parseBody(inputs.NewCustomer, item.data), actor)
      return { status: 201, id: customer.id, customer }
    }
    const key = keyOf(item)
    const access = { actor, ifMatch: item.op === 'tag' ? undefined : item.version }
    if (item.op === 'delete') return { status: 204, id: await customers.remove(key, access) }
    const customer =
      item.op === 'tag'
        ? await customers.tag(key, parseBody(CustomerTags, { add: item.add, remove: item.remove }), access)
        : await customers.patch(key, parseBody(inputs.CustomerPatch, item.data), access)
    return { status: 200, id: customer.id, customer }
  }

  return async (items: readonly BatchItem[], actor: Actor): Promise<CustomerBatchResult> => {
    const results: CustomerBatchResult['results'] = []
    for (const [index, item] of items.entries()) {
      const outcome = await run(item, actor).catch((error: unknown) => {
        const problem = refused(error)
        return { status: problem.status, problem: problem.toBody() }
      })
      results.push({ index, ...outcome })
    }
    const failed = results.filter(({ status }) => status >= 400).length
    return { results, counts: { succeeded: results.length - failed, failed } }
  }
}
export type Batch = ReturnType<typeof createBatch>

/** 200 where all went well in the same way, else 207: no error hides behind a 200. */
export const isUniform = ({ results }: CustomerBatchResult): boolean =>
  results.every(({ status }) => status < 400 && status === results[0]?.status)
