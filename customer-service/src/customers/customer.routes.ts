import {
  Customer,
  CustomerBatch,
  CustomerBatchResult,
  CustomerEditor,
  CustomerIdBy,
} from '@clientele/contracts/customer'
import { pathKey } from '@clientele/contracts/fields'
import { page } from '@clientele/contracts/page'
import { DuplicateBody } from '@clientele/contracts/problem'
import type { MediaClient } from '@clientele/features/photos/media.client'
import { keeping } from '@clientele/features/photos/photo.uploads'
import { isAdmin } from '@clientele/platform/auth/token-verifier'
import { type Api, created, multiStatus, noContent, ok } from '@clientele/platform/http/api'
import { Problem } from '@clientele/platform/runtime/problem'
import { z } from 'zod'
import { customerForm } from '../photos/photo.uploads.ts'
import { type Batch, isUniform } from './customer.batch.ts'
import { editorList } from './customer.editors.ts'
import type { Inputs } from './customer.input.ts'
import type { CustomerList } from './customer.list.ts'
import type { CustomerService } from './customer.service.ts'

export type CustomerRouteDeps = {
  customers: CustomerService
  batch: Batch
  inputs: Inputs
  list: CustomerList
  media: MediaClient
}

const tag = 'Customers'
const roles = ['user'] as const
const idBy = CustomerIdBy.optional().meta({ description: 'what {key} is; the id where absent' })
const params = z.strictObject({ key: pathKey })
const query = z.strictObject({ idBy })
const purge = z.enum(['true', 'false']).optional().meta({ description: 'removes at once and for good; for admins' })

const location = ({ id }: Customer) => `/v1/customers/${id}`

export const customerRoutes = (api: Api, { customers, batch, inputs, list, media }: CustomerRouteDeps): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/customers',
      operationId: 'listCustomers',
      summary: 'Customers, newest first',
      tag,
      roles,
      description: 'The trash is listed with `deletedAt[exists]=true`.',
      query: list.query,
      responses: { 200: page(Customer) },
    },
    async ({ query, actor }) => ok(await customers.list(query, actor)),
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/customers',
      operationId: 'createCustomer',
      summary: 'A new customer',
      tag,
      roles,
      body: inputs.NewCustomer,
      uploads: { 'multipart/form-data': customerForm(media, inputs) },
      responses: { 201: Customer, 409: DuplicateBody },
    },
    async ({ body, actor, req }) => {
      if (!('input' in body)) return created(...placed(await customers.create(body, actor)))
      const { input, uploaded } = body
      const create = () => customers.create(input, actor, { uploaded: uploaded !== undefined })
      return created(...placed(await keeping(req, media, uploaded, actor, create)))
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/customers/batch',
      operationId: 'batchCustomers',
      summary: 'Up to 500 changes, each on its own',
      tag,
      roles,
      body: CustomerBatch,
      responses: { 200: CustomerBatchResult, 207: CustomerBatchResult },
    },
    async ({ body, actor }) => {
      const result = await batch(body.items, actor)
      return isUniform(result) ? ok(result) : multiStatus(result)
    },
  )

  api.operation(
    {
      method: 'get',
      path: '/v1/customers/{key}',
      operationId: 'getCustomer',
      summary: 'One customer',
      tag,
      roles,
      params,
      query,
      responses: { 200: Customer },
    },
    async ({ params, query }) => ok(await customers.get({ ...params, ...query })),
  )

  api.operation(
    {
      method: 'patch',
      path: '/v1/customers/{key}',
      operationId: 'patchCustomer',
      summary: 'Changes some fields',
      tag,
      roles,
      description: 'JSON Merge Patch (RFC 7396): null empties a field; `address` and `metadata` are merged.',
      params,
      query,
      body: inputs.CustomerPatch,
      responses: { 200: Customer, 409: DuplicateBody },
    },
    async ({ params, query, body, actor, ifMatch }) =>
      ok(await customers.patch({ ...params, ...query }, body, { actor, ifMatch })),
  )

  api.operation(
    {
      method: 'put',
      path: '/v1/customers/{key}',
      operationId: 'putCustomer',
      summary: 'Replaces a customer; with idBy=externalId makes it where it is missing',
      tag,
      roles,
      params,
      query,
      body: inputs.NewCustomer,
      responses: { 200: Customer, 201: Customer, 409: DuplicateBody },
    },
    async ({ params, query, body, actor, ifMatch, req }) => {
      const mustExist = req.headers['if-match'] !== undefined
      const result = await customers.put({ ...params, ...query }, body, { actor, ifMatch, mustExist })
      return result.created ? created(...placed(result.customer)) : ok(result.customer)
    },
  )

  api.operation(
    {
      method: 'delete',
      path: '/v1/customers/{key}',
      operationId: 'deleteCustomer',
      summary: 'Into the trash',
      tag,
      roles,
      params,
      query: z.strictObject({ idBy, purge }),
      responses: { 204: null },
    },
    async ({ params, query, actor, ifMatch }) => {
      const key = { ...params, idBy: query.idBy }
      if (query.purge === 'true' && !isAdmin(actor))
        throw new Problem('forbidden', { detail: 'purging needs the role admin' })
      await (query.purge === 'true'
        ? customers.purge(key, { actor, ifMatch })
        : customers.remove(key, { actor, ifMatch }))
      return noContent()
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/customers/{key}/restore',
      operationId: 'restoreCustomer',
      summary: 'Out of the trash',
      tag,
      roles,
      params,
      responses: { 200: Customer, 409: DuplicateBody },
    },
    async ({ params, actor, ifMatch }) => ok(await customers.restore(params, { actor, ifMatch })),
  )

  api.operation(
    {
      method: 'get',
      path: '/v1/customers/{key}/editors',
      operationId: 'listCustomerEditors',
      summary: 'Who created or changed a customer, the latest first',
      tag,
      roles,
      params,
      query: editorList.query,
      responses: { 200: page(CustomerEditor) },
    },
    async ({ params, query }) => ok(await customers.editors(params, query)),
  )
}

const placed = (customer: Customer): [Customer, string] => [customer, location(customer)]
