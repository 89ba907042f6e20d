import { page } from '@clientele/contracts/page'
import {
  getByKeyQuery,
  idByParameter,
  keyParameter,
  purgeParameter,
  restoreDescription,
} from '@clientele/contracts/parameters'
import { DuplicateBody, PreconditionFailedBody } from '@clientele/contracts/problem'
import { Product, ProductBatch, ProductBatchResult, ProductIdBy, ProductPhoto } from '@clientele/contracts/product'
import type { MediaClient } from '@clientele/features/photos/media.client'
import type { MediaLink } from '@clientele/features/photos/media-link'
import { photoRoutes } from '@clientele/features/photos/photo.routes'
import { discardOnFailure } from '@clientele/features/photos/photo.uploads'
import { isAdmin } from '@clientele/platform/auth/token-verifier'
import { type Api, created, multiStatus, noContent, ok } from '@clientele/platform/http/api'
import { isUniform } from '@clientele/platform/http/batch'
import { timeToStop } from '@clientele/platform/http/gateway-timeout'
import { Problem } from '@clientele/platform/runtime/problem'
import { z } from 'zod'
import type { ProductBatchRunner } from './product.batch.ts'
import { productForm } from './product.form.ts'
import type { ProductInputs } from './product.input.ts'
import { productList } from './product.list.ts'
import type { ProductService } from './product.service.ts'

export type ProductRouteDeps = {
  products: ProductService
  batch: ProductBatchRunner
  inputs: ProductInputs
  media: MediaClient
  photoLink: MediaLink
}

const shared = { tag: 'Products', roles: ['user'] } as const
const query = z.strictObject({ idBy: idByParameter(ProductIdBy) })
const oneProduct = {
  ...shared,
  path: '/v1/products/{key}',
  params: z.strictObject({ key: keyParameter('product') }),
} as const
const restorePath = `${oneProduct.path}/restore` as const

const withLocation = (product: Product): [Product, string] => [product, `/v1/products/${product.id}`]

/** Metadata of 50 texts of 1,000 characters, of up to 6 bytes each, and the other fields. */
const maxBodyBytes = 400_000

export const productRoutes = (api: Api, { products, batch, inputs, media, photoLink }: ProductRouteDeps): void => {
  api.operation(
    {
      ...shared,
      method: 'get',
      path: '/v1/products',
      operationId: 'listProducts',
      summary: 'List products, newest first',
      description:
        'Products in the trash are listed only with a filter on `deletedAt`, such as `deletedAt[exists]=true`.',
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
      summary: 'Create a product',
      description:
        'For a photo, upload it with `POST /v1/media` and send its id as `photoMediaId`, or send a form with the fields and the image.',
      body: inputs.NewProduct,
      maxBodyBytes,
      uploads: { 'multipart/form-data': productForm(media, inputs) },
      responses: { 201: Product, 409: DuplicateBody },
    },
    async ({ body, actor, req }) => {
      if (!('input' in body)) return created(...withLocation(await products.create(body, actor)))
      const { input, uploaded } = body
      const create = () => products.create(input, actor, { uploaded: uploaded !== undefined })
      return created(...withLocation(await discardOnFailure(req, media, uploaded, actor, create)))
    },
  )

  api.operation(
    {
      ...shared,
      method: 'post',
      path: '/v1/products/batch',
      operationId: 'batchProducts',
      summary: 'Change up to 500 products in one request',
      description:
        'Each item succeeds or fails by itself. 200 means that all items succeeded with the same status; otherwise the response is 207. Items that the batch has no time for, usually after 15 seconds, have the status 503 and were not tried: send them again in another batch, with another `Idempotency-Key`. With this header the whole batch is one transaction, and orders of its products wait until it ends.',
      body: ProductBatch,
      maxBodyBytes: Number.POSITIVE_INFINITY,
      itemsOf: ({ items }) => items.length,
      responses: { 200: ProductBatchResult, 207: ProductBatchResult },
    },
    async ({ body, actor, req }) => {
      const result = await batch(body.items, actor, timeToStop(req))
      return isUniform(result) ? ok(result) : multiStatus(result)
    },
  )

  api.operation(
    {
      ...oneProduct,
      method: 'get',
      operationId: 'getProduct',
      summary: 'Get a product',
      query: getByKeyQuery('product', ProductIdBy),
      responses: { 200: Product },
    },
    async ({ params, query: { idBy, trashed } }) =>
      ok(await products.get({ ...params, idBy }, { trashed: trashed === 'true' })),
  )

  api.operation(
    {
      ...oneProduct,
      method: 'patch',
      operationId: 'updateProduct',
      summary: 'Update a product',
      description:
        'The body is a JSON Merge Patch (RFC 7396): null empties a field. A change of `stock` becomes a stock movement; `currency` can change only together with `price`. Read-only fields may be sent as they were read.',
      query,
      current: ({ params, query }) => products.get({ ...params, ...query }),
      body: inputs.ProductPatch,
      maxBodyBytes,
      responses: { 200: Product, 409: DuplicateBody, 428: PreconditionFailedBody },
    },
    async ({ params, query, body, actor, ifMatch }) =>
      ok(await products.update({ ...params, ...query }, body, { actor, ifMatch })),
  )

  api.operation(
    {
      ...oneProduct,
      method: 'put',
      operationId: 'replaceProduct',
      summary: 'Replace a product',
      description:
        'Absent fields are emptied or set to their default, except the stock, the photo and the SKU that `idBy` names, which stay. Read-only fields may be sent as they were read.',
      query,
      current: ({ params, query }) => products.get({ ...params, ...query }),
      body: inputs.NewProduct,
      maxBodyBytes,
      responses: { 200: Product, 409: DuplicateBody, 428: PreconditionFailedBody },
    },
    async ({ params, query, body, actor, ifMatch }) =>
      ok(await products.replace({ ...params, ...query }, body, { actor, ifMatch })),
  )

  api.operation(
    {
      ...oneProduct,
      method: 'delete',
      operationId: 'deleteProduct',
      summary: 'Move a product to the trash, or purge it',
      description: 'A product in the trash cannot be ordered. A product that was ordered cannot be purged.',
      query: query.extend({ purge: purgeParameter('product') }),
      responses: { 204: null },
    },
    async ({ params, query, actor, ifMatch }) => {
      const key = { ...params, idBy: query.idBy }
      const shouldPurge = query.purge === 'true'
      if (shouldPurge && !isAdmin(actor)) throw new Problem('forbidden', { detail: 'purging requires the role admin' })
      await (shouldPurge ? products.purge(key, { actor, ifMatch }) : products.delete(key, { actor, ifMatch }))
      return noContent()
    },
  )

  api.operation(
    {
      ...oneProduct,
      method: 'post',
      path: restorePath,
      operationId: 'restoreProduct',
      summary: 'Restore a product from the trash',
      description: restoreDescription('product', 'SKU'),
      query,
      responses: { 200: Product, 409: DuplicateBody },
    },
    async ({ params, query, actor, ifMatch }) =>
      ok(await products.restore({ ...params, ...query }, { actor, ifMatch })),
  )

  photoRoutes(
    api,
    { ...oneProduct, owner: 'product', idBy: ProductIdBy, resource: Product, body: ProductPhoto },
    { owners: products, media, photoLink },
  )
}
