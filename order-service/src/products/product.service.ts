import type { Page } from '@clientele/contracts/page'
import type { NewProduct, Product, ProductPatch } from '@clientele/contracts/product'
import type { MediaClient } from '@clientele/features/photos/media.client'
import type { MediaLink } from '@clientele/features/photos/media-link'
import { createPhotoCheck, photoOf } from '@clientele/features/photos/photo-check'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { isUuid } from '@clientele/platform/data/ids'
import { nextStamps } from '@clientele/platform/data/stamps'
import type { UserNames } from '@clientele/platform/data/user-names'
import type { IfMatch } from '@clientele/platform/http/if-match'
import { preconditionRequired } from '@clientele/platform/runtime/problem'
import { hasMovedSinceSet, moveStock, reasonOfSetting } from '../stock/stock.ts'
import { checkStock, newFields, type ProductFields, patchedFields, replacementFields } from './product.change.ts'
import { rethrowAsDuplicate, rethrowAsOrdered } from './product.conflicts.ts'
import type { ProductFinder, ProductKey } from './product.finder.ts'
import { productList } from './product.list.ts'
import type { ProductRow } from './product.model.ts'
import { presentProduct } from './product.presenter.ts'
import type { ProductWriter } from './product.writer.ts'

type Deps = {
  db: Db
  finder: ProductFinder
  userNames: UserNames
  writer: ProductWriter
  media: MediaClient
  photoLink: MediaLink
  shopCurrency: string
}

/** The actor of a request, and the version in its `If-Match`. */
type Access = { actor: Actor; ifMatch?: IfMatch }
/** The new values of a product. A `stock` that differs becomes a movement. */
type Edit = { fields: Partial<ProductFields>; stock?: number | undefined }

export type ProductService = ReturnType<typeof createProductService>

export const createProductService = ({ db, finder, userNames, writer, media, photoLink, shopCurrency }: Deps) => {
  const present = (row: ProductRow): Product => presentProduct(row, photoLink)

  /** @throws Problem 428 if a stock is set by somebody who may not know that it has moved since it was last set */
  const checkBlindStock = async (row: ProductRow, stock: number | undefined, tx: Tx): Promise<void> => {
    if (stock === undefined || stock === row.stock || !(await hasMovedSinceSet(row.id, tx))) return
    const detail = `the stock is ${row.stock} now, by orders or other movements: read the product and set it with If-Match, or add a stock movement`
    throw preconditionRequired(detail, row)
  }

  const setStock = async (row: ProductRow, stock: number, actor: Actor, tx: Tx): Promise<ProductRow> => {
    const delta = stock - row.stock
    if (delta === 0) return row
    const change = { productId: row.id, delta, kind: 'manual', reason: reasonOfSetting(stock), orderId: null } as const
    const at = new Date()
    await moveStock(tx, [change], actor, { locked: new Map([[row.id, row]]), at })
    return { ...row, ...nextStamps(row, actor, at), stock }
  }

  const change = async (
    key: ProductKey,
    { actor, ifMatch }: Access,
    edit: (row: ProductRow) => Edit,
  ): Promise<Product> => {
    let requested: Edit | undefined
    return db
      .transaction(async (tx) => {
        const row = await finder.lock(key, tx, { ifMatch })
        requested = edit(row)
        checkStock(requested.stock, row.stock)
        if (ifMatch === undefined) await checkBlindStock(row, requested.stock, tx)
        const next = await writer.update(row, requested.fields, actor, tx)
        return present(await setStock(next, requested.stock ?? next.stock, actor, tx))
      })
      .catch((error: unknown) => rethrowAsDuplicate(finder, requested?.fields.sku)(error))
  }

  const { requirePhoto, requirePhotoFor } = createPhotoCheck({ media, find: (key: ProductKey) => finder.get(key) })

  return {
    /** With `uploaded`, the photo is known to exist and is not checked. */
    create: async (input: NewProduct, actor: Actor, { uploaded = false } = {}): Promise<Product> => {
      if (!uploaded) await requirePhoto(photoOf(input), actor)
      const fields = newFields(input, shopCurrency)
      checkStock(input.stock, 0)
      return db
        .transaction(async (tx) => present(await writer.insert(fields, input.stock ?? 0, actor, tx)))
        .catch(rethrowAsDuplicate(finder, fields.sku))
    },

    list: async (query: Record<string, unknown>, actor: Actor): Promise<Page<Product>> => {
      const { rows, page } = await productList.run(db, query, { actor })
      return { data: (await userNames.withCurrentNames(rows)).map(present), page }
    },

    /** The stored row, for the photo routes. */
    row: (key: ProductKey): Promise<ProductRow> => finder.get(key),

    /** With `trashed`, also finds a product in the trash. */
    get: async (key: ProductKey, { trashed = false } = {}): Promise<Product> =>
      present(await finder.get(key, trashed ? 'any' : 'active')),

    update: async (key: ProductKey, patch: ProductPatch, access: Access): Promise<Product> => {
      await requirePhotoFor(key, photoOf(patch), access.actor)
      return change(key, access, (row) => ({ fields: patchedFields(row, patch), stock: patch.stock }))
    },

    replace: async (key: ProductKey, input: NewProduct, access: Access): Promise<Product> => {
      await requirePhotoFor(key, photoOf(input), access.actor)
      return change(key, access, (row) => ({
        fields: replacementFields(row, input, { shopCurrency, idBy: key.idBy }),
        stock: input.stock,
      }))
    },

    setPhoto: async (
      key: ProductKey,
      mediaId: string | null,
      access: Access,
      { uploaded = false } = {},
    ): Promise<Product> => {
      if (!uploaded) await requirePhotoFor(key, { mediaId, pointer: '/mediaId' }, access.actor)
      return change(key, access, () => ({ fields: { photoMediaId: mediaId } }))
    },

    /** Clears the photo of every product that shows an image, also in the trash. */
    clearPhoto: async (mediaId: string, actor: Actor, tx: Tx): Promise<void> => {
      for (;;) {
        const rows = await finder.lockByPhoto(mediaId, tx)
        for (const row of rows) await writer.update(row, { photoMediaId: null }, actor, tx)
        if (rows.length === 0) return
      }
    },

    /** Moves a product to the trash. @returns its id */
    delete: (key: ProductKey, { actor, ifMatch }: Access): Promise<string> =>
      db.transaction(async (tx) => (await writer.delete(await finder.lock(key, tx, { ifMatch }), actor, tx)).id),

    /**
     * In a request with a transaction of its own, locks all products that the request names, in the order of their ids, as orders do.
     * Locked one after the other, they could deadlock with an order.
     */
    lockNamed: async (refs: readonly { id?: string | undefined; key?: string | undefined }[]): Promise<void> => {
      const tx = db.requestTransaction()
      if (!tx) return
      const ids = refs.flatMap(({ id }) => (id !== undefined && isUuid(id) ? [id] : []))
      await finder.findMany(
        ids,
        refs.flatMap(({ key }) => key?.trim() ?? []),
        tx,
        'any',
      )
    },

    restore: async (key: ProductKey, { actor, ifMatch }: Access): Promise<Product> => {
      let row: ProductRow | undefined
      return db
        .transaction(async (tx) => {
          row = await finder.lockTrashed(key, tx, ifMatch)
          return present(await writer.restore(row, actor, tx))
        })
        .catch((error: unknown) => rethrowAsDuplicate(finder, row?.sku)(error))
    },

    /** Purges a product, which may be in the trash. A SKU finds only active products. */
    purge: (key: ProductKey, { actor, ifMatch }: Access): Promise<void> =>
      db
        .transaction(async (tx) => writer.purge(await finder.lock(key, tx, { state: 'any', ifMatch }), actor, tx))
        .catch(rethrowAsOrdered),
  }
}
