import { pathKey } from '@clientele/contracts/fields'
import { page } from '@clientele/contracts/page'
import { DuplicateBody } from '@clientele/contracts/problem'
import { Product, ProductIdBy, ProductPhoto } from '@clientele/contracts/product'
import type { MediaClient } from '@clientele/features/photos/media.client'
import type { MediaLink } from '@clientele/features/photos/media-link'
import { photoRoutes } from '@clientele/features/photos/photo.routes'
import { keeping } from '@clientele/features/photos/photo.uploads'
import { isAdmin } from '@clientele/platform/auth/token-verifier'
import { type Api, created, noContent, ok } from '@clientele/platform/http/api'
import { Problem } from '@clientele/platform/runtime/problem'
import { z } from 'zod'
import { productForm } from './product.form.ts'
import type { Inputs } from './product.input.ts'
import { productList } from './product.list.ts'
import type { ProductService } from './product.service.ts'

export type ProductRouteDeps = { products: ProductService; inputs: Inputs; media: MediaClient; photoLink: MediaLink }

const shared = { tag: 'Products', roles: ['user'] } as const
const idBy = ProductIdBy.optional().meta({ description: 'what {key} is; the id where absent' })
const query = z.strictObject({ idBy })
const purge = z.enum(['true', 'false']).optional().meta({ description: 'removes at once and for good; for admins' })
const one = { ...shared, path: '/v1/products/{key}', params: z.strictObject({ key: pathKey }) } as const

const placed = (product: Product): [Product, string] => [product, `/v1/products/${product.id}`]

export const productRoutes = (api: Api, { products, inputs, media, photoLink }: ProductRouteDeps): void => {
  api.operation(
    {
      ...shared,
      method: 'get',
      path: '/v1/products',
      operationId: 'listProducts',
      summary: 'Products, newest first',
      description: 'The trash is listed with `archivedAt[exists]=true`.',
      query: productList.query,
      responses: { 200: page(Product) },
    },
    async ({ query, actor }) => ok(await products.list(query, actor)),
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/products',
      operationId: 'createProduct',
      summary: 'A new product',
      body: inputs.NewProduct,
      uploads: { 'multipart/form-data': productForm(media, inputs) },
      responses: { 201: Product, 409: DuplicateBody },
    },
    async ({ body, actor, req }) => {
      if (!('input' in body)) return created(...placed(await products.create(body, actor)))
      const { input, uploaded } = body
      const create = () => products.create(input, actor, { uploaded: uploaded !== undefined })
      return created(...placed(await keeping(req, media, uploaded, actor, create)))
    },
  )

  api.operation(
    {
      ...one,
      method: 'get',
      operationId: 'getProduct',
      summary: 'One product',
      query,
      responses: { 200: Product },
    },
    async ({ params, query }) => ok(await products.get({ ...params, ...query })),
  )

  api.operation(
    {
      ...one,
      method: 'patch',
      operationId: 'patchProduct',
      summary: 'Changes some fields',
      description:
        'JSON Merge Patch (RFC 7396): null empties a field. Another `stock` becomes a stock movement; `currency` can change only together with `price`.',
      query,
      body: inputs.ProductPatch,
      responses: { 200: Product, 409: DuplicateBody },
    },
    async ({ params, query, body, actor, ifMatch }) =>
      ok(await products.patch({ ...params, ...query }, body, { actor, ifMatch })),
  )

  api.operation(
    {
      ...one,
      method: 'put',
      operationId: 'putProduct',
      summary: 'Replaces a product',
      description: 'Without `stock` the stock stays, without `photoMediaId` the photo.',
      query,
      body: inputs.NewProduct,
      responses: { 200: Product, 409: DuplicateBody },
    },
    async ({ params, query, body, actor, ifMatch }) =>
      ok(await products.put({ ...params, ...query }, body, { actor, ifMatch })),
  )

  api.operation(
    {
      ...one,
      method: 'delete',
      operationId: 'deleteProduct',
      summary: 'Into the trash',
      description: 'It can no longer be ordered. What was ordered can be in the trash, but not be purged.',
      query: z.strictObject({ idBy, purge }),
      responses: { 204: null },
    },
    async ({ params, query, actor, ifMatch }) => {
      const key = { ...params, idBy: query.idBy }
      const forGood = query.purge === 'true'
      if (forGood && !isAdmin(actor)) throw new Problem('forbidden', { detail: 'purging needs the role admin' })
      await (forGood ? products.purge(key, { actor, ifMatch }) : products.archive(key, { actor, ifMatch }))
      return noContent()
    },
  )

  api.operation(
    {
      ...one,
      method: 'post',
      path: `${one.path}/restore`,
      operationId: 'restoreProduct',
      summary: 'Out of the trash',
      responses: { 200: Product, 409: DuplicateBody },
    },
    async ({ params, actor, ifMatch }) => ok(await products.restore(params, { actor, ifMatch })),
  )

  photoRoutes(
    api,
    { ...one, owner: 'product', resource: Product, body: ProductPhoto },
    { owners: products, media, photoLink },
  )
}
