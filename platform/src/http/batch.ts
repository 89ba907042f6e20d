import { line } from '@clientele/contracts/fields'
import type { ProblemBody } from '@clientele/contracts/problem'
import { z } from 'zod'
import { currentLog } from '../runtime/log.ts'
import { fieldProblem, Problem } from '../runtime/problem.ts'
import { parseBody } from './request-parsing.ts'

/** The result of an item that succeeded, such as `{ status: 200, id, order }`. */
type Outcome = { status: number; id?: string | undefined }
type ItemResult<O extends Outcome> = { index: number } & (O | { status: number; problem: ProblemBody })
type BatchResult<O extends Outcome> = { results: ItemResult<O>[]; counts: { succeeded: number; failed: number } }

const NamedKey = z.strictObject({ key: line(300) })

type Named<Field> = { id?: string | undefined; key?: string | undefined; idBy?: Field | undefined }

/**
 * Returns how an item names its record: by `id`, or by `key` and `idBy`.
 * @param resource for the message, such as `the order`
 * @throws Problem 422
 */
export const batchKey = <Field extends string>(
  { id, key, idBy }: Named<Field>,
  resource: string,
): { key: string; idBy?: Field } => {
  if (id !== undefined && key === undefined && idBy === undefined) return { key: id }
  if (id === undefined && key !== undefined && idBy !== undefined) return { ...parseBody(NamedKey, { key }), idBy }
  throw fieldProblem('/id', 'required', `name ${resource} by id, or by key and idBy`)
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

/**
 * Runs the items of a batch in order. Each succeeds or fails by itself. After `stopAt`, a time of {@link performance.now}, no further
 * one begins: it has the status 503.
 */
export const runBatch = async <Item, O extends Outcome>(
  items: readonly Item[],
  stopAt: number,
  run: (item: Item) => Promise<O>,
): Promise<BatchResult<O>> => {
  const results: ItemResult<O>[] = []
  for (const [index, item] of items.entries()) {
    const work = async () => run(item)
    const outcome = await (performance.now() < stopAt ? work() : Promise.reject(notTried())).catch((error: unknown) => {
      const problem = toProblem(error)
      return { status: problem.status, problem: problem.toBody() }
    })
    results.push({ index, ...outcome })
  }
  const failed = results.filter(({ status }) => status >= 400).length
  return { results, counts: { succeeded: results.length - failed, failed } }
}

/** Whether the response is 200: all items succeeded with the same status. Otherwise it is 207, so that a 200 never contains an error. */
export const isUniform = ({ results }: { results: readonly { status: number }[] }): boolean =>
  results.every(({ status }) => status < 400 && status === results[0]?.status)
