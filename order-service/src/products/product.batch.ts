import type { Product, ProductBatchItem, ProductBatchResult } from '@clientele/contracts/product'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import { batchKey, runBatch } from '@clientele/platform/http/batch'
import { ifMatchOf } from '@clientele/platform/http/if-match'
import { parseBody } from '@clientele/platform/http/request-parsing'
import type { ProductInputs } from './product.input.ts'
import type { ProductService } from './product.service.ts'

type Outcome = { status: number; id: string; product?: Product }

/** Runs the items in order. Each succeeds or fails by itself. After `stopAt` no further one begins. */
export const createProductBatch = (products: ProductService, inputs: ProductInputs) => {
  const run = async (item: ProductBatchItem, actor: Actor): Promise<Outcome> => {
    if (item.op === 'create') {
      const product = await products.create(parseBody(inputs.NewProduct, item.data), actor)
      return { status: 201, id: product.id, product }
    }
    const access = { actor, ifMatch: ifMatchOf(item.version) }
    if (item.op === 'restore') {
      const product = await products.restore({ key: item.id }, access)
      return { status: 200, id: product.id, product }
    }
    const key = batchKey(item, 'the product')
    if (item.op === 'delete') return { status: 204, id: await products.delete(key, access) }
    const product = await products.update(key, parseBody(inputs.ProductPatch, item.data), access)
    return { status: 200, id: product.id, product }
  }

  return async (items: readonly ProductBatchItem[], actor: Actor, stopAt: number): Promise<ProductBatchResult> => {
    await products.lockNamed(items.filter((item) => item.op !== 'create'))
    return runBatch(items, stopAt, (item) => run(item, actor))
  }
}
export type ProductBatchRunner = ReturnType<typeof createProductBatch>
