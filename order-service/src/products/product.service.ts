import type { Page } from '@clientele/contracts/page'
import type { NewProduct, Product, ProductPatch } from '@clientele/contracts/product'
import type { MediaClient } from '@clientele/features/photos/media.client'
import type { MediaLink } from '@clientele/features/photos/media-link'
import type { Actor } from '@clientele/platform/auth/token-verifier'
import type { Db, Tx } from '@clientele/platform/data/db'
import { nextStamps } from '@clientele/platform/data/stamps'
import { fieldProblem, Problem } from '@clientele/platform/runtime/problem'
import { moveStock } from '../stock/stock.ts'
import { fieldsOf, type ProductFields, patchedFields, replacementOf } from './product.change.ts'
import type { ProductFinder, ProductKey } from './product.finder.ts'
import { productList } from './product.list.ts'
import type { ProductRow } from './product.model.ts'
import { presentProduct } from './product.presenter.ts'
import { orDuplicate, orOrdered } from './product.refusals.ts'
import type { Writer } from './product.writer.ts'

type Deps = {
  db: Db
  finder: ProductFinder
  writer: Writer
  media: MediaClient
  photoLink: MediaLink
  shopCurrency: string
}

/** Who asks, and the version that they know of. */
type Access = { actor: Actor; ifMatch?: number | undefined }
/** What to make of a row; a `stock` that differs becomes a movement. */
type Edit = { fields: Partial<ProductFields>; stock?: number | undefined }

export type ProductService = ReturnType<typeof createProductService>

export const createProductService = ({ db, finder, writer, media, photoLink, shopCurrency }: Deps) => {
  const present = (row: ProductRow): Product => presentProduct(row, photoLink)

  const setStock = async (row: ProductRow, stock: number, actor: Actor, tx: Tx): Promise<ProductRow> => {
    const delta = stock - row.stock
    if (delta === 0) return row
    const change = { productId: row.id, delta, kind: 'manual', reason: `set to ${stock}`, orderId: null } as const
    const at = new Date()
    await moveStock(tx, [change], actor, { locked: new Map([[row.id, row]]), at })
    return { ...row, ...nextStamps(row, actor, at), stock }
  }

  const change = async (
    key: ProductKey,
    { actor, ifMatch }: Access,
    edit: (row: ProductRow) => Edit,
  ): Promise<Product> => {
    let wanted: Edit | undefined
    return db
      .transaction(async (tx) => {
        const row = await finder.lock(key, tx, { ifMatch })
        wanted = edit(row)
        const next = await writer.apply(row, wanted.fields, actor, tx)
        return present(await setStock(next, wanted.stock ?? next.stock, actor, tx))
      })
      .catch((error: unknown) => orDuplicate(finder, wanted?.fields.sku)(error))
  }

  const requirePhoto = async (mediaId: string | null | undefined, actor: Actor, pointer: string): Promise<void> => {
    if (typeof mediaId === 'string' && !(await media.exists(mediaId, actor)))
      throw fieldProblem(pointer, 'unknown_media', 'there is no such medium')
  }

  return {
    create: async (input: NewProduct, actor: Actor, { uploaded = false } = {}): Promise<Product> => {
      if (!uploaded) await requirePhoto(input.photoMediaId, actor, '/photoMediaId')
      const fields = fieldsOf(input, shopCurrency)
      return db
        .transaction(async (tx) => present(await writer.insert(fields, input.stock ?? 0, actor, tx)))
        .catch(orDuplicate(finder, fields.sku))
    },

    list: async (query: Record<string, unknown>, actor: Actor): Promise<Page<Product>> => {
      const { rows, page } = await productList.run(db, query, { actor })
      return { data: rows.map(present), page }
    },

    row: (key: ProductKey): Promise<ProductRow> => finder.get(key),

    get: async (key: ProductKey): Promise<Product> => present(await finder.get(key)),

    patch: async (key: ProductKey, patch: ProductPatch, access: Access): Promise<Product> => {
      await requirePhoto(patch.photoMediaId, access.actor, '/photoMediaId')
      return change(key, access, (row) => ({ fields: patchedFields(row, patch), stock: patch.stock }))
    },

    put: async (key: ProductKey, input: NewProduct, access: Access): Promise<Product> => {
      await requirePhoto(input.photoMediaId, access.actor, '/photoMediaId')
      return change(key, access, (row) => ({ fields: replacementOf(row, input, shopCurrency), stock: input.stock }))
    },

    setPhoto: async (
      key: ProductKey,
      mediaId: string | null,
      access: Access,
      { uploaded = false } = {},
    ): Promise<Product> => {
      if (!uploaded) await requirePhoto(mediaId, access.actor, '/mediaId')
      return change(key, access, () => ({ fields: { photoMediaId: mediaId } }))
    },

    /** Takes a medium that is gone off every product that shows it, in the trash as well. */
    dropPhoto: async (mediaId: string, actor: Actor, tx: Tx): Promise<void> => {
      for (;;) {
        const rows = await finder.lockByPhoto(mediaId, tx)
        for (const row of rows) await writer.apply(row, { photoMediaId: null }, actor, tx)
        if (rows.length === 0) return
      }
    },

    archive: (key: ProductKey, { actor, ifMatch }: Access): Promise<void> =>
      db.transaction(async (tx) => {
        await writer.archive(await finder.lock(key, tx, { ifMatch }), actor, tx)
      }),

    restore: async (key: ProductKey, { actor, ifMatch }: Access): Promise<Product> => {
      let row: ProductRow | undefined
      return db
        .transaction(async (tx) => {
          row = await finder.lock(key, tx, { state: 'any', ifMatch })
          if (row.archivedAt === null) throw new Problem('invalid_state', { detail: 'the product is not in the trash' })
          return present(await writer.restore(row, actor, tx))
        })
        .catch((error: unknown) => orDuplicate(finder, row?.sku)(error))
    },

    /** Removes for good, from the trash as well; a sku names only a product that is not there. */
    purge: (key: ProductKey, { actor, ifMatch }: Access): Promise<void> =>
      db
        .transaction(async (tx) => writer.purge(await finder.lock(key, tx, { state: 'any', ifMatch }), actor, tx))
        .catch(orOrdered),
  }
}
