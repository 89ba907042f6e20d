import {
  Customer,
  CustomerBatch,
  CustomerBatchResult,
  CustomerEditor,
  CustomerIdBy,
} from '@clientele/contracts/customer'
import { page } from '@clientele/contracts/page'
import {
  getByKeyQuery,
  idByParameter,
  keyParameter,
  purgeParameter,
  restoreDescription,
} from '@clientele/contracts/parameters'
import { DuplicateBody, ProblemBody } from '@clientele/contracts/problem'
import type { MediaClient } from '@clientele/features/photos/media.client'
import { discardOnFailure } from '@clientele/features/photos/photo.uploads'
import { isAdmin } from '@clientele/platform/auth/token-verifier'
import { type Api, created, multiStatus, noContent, ok } from '@clientele/platform/http/api'
import { isUniform } from '@clientele/platform/http/batch'
import { timeToStop } from '@clientele/platform/http/gateway-timeout'
import { Problem } from '@clientele/platform/runtime/problem'
import { z } from 'zod'
import { customerForm } from '../photos/photo.uploads.ts'
import type { Batch } from './customer.batch.ts'
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
const params = z.strictObject({ key: keyParameter('customer') })
const query = z.strictObject({ idBy: idByParameter(CustomerIdBy) })

const withLocation = (customer: Customer): [Customer, string] => [customer, `/v1/customers/${customer.id}`]

/** Metadata of 50 texts of 1,000 characters, of up to 6 bytes each, and the other fields. */
const maxBodyBytes = 400_000
export const customerRoutes = (api: Api, { customers, batch, inputs, list, media }: CustomerRouteDeps): void => {
  api.operation(
    {
      method: 'get',
      path: '/v1/customers',
      operationId: 'listCustomers',
      summary: 'List customers, newest first',
      tag,
      roles,
      description:
        'Customers in the trash are listed only with a filter on `deletedAt`, such as `deletedAt[exists]=true`. A `q` that is the code, e-mail address, telephone number or external id of a customer finds only the customers that have it. `metadata.<key>=<value>`, such as `metadata.source=fair`, finds those with a value in the metadata; a number, `true` and `false` also match the text.',
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
      summary: 'Create a customer',
      tag,
      roles,
      description:
        'For a photo, upload it with `POST /v1/media` and send its id as `photoMediaId`, or send a form with the fields and the image.',
      body: inputs.NewCustomer,
      maxBodyBytes,
      uploads: { 'multipart/form-data': customerForm(media, inputs) },
      responses: { 201: Customer, 409: DuplicateBody },
    },
    async ({ body, actor, req }) => {
      if (!('input' in body)) return created(...withLocation(await customers.create(body, actor)))
      const { input, uploaded } = body
      const create = () => customers.create(input, actor, { uploaded: uploaded !== undefined })
      return created(...withLocation(await discardOnFailure(req, media, uploaded, actor, create)))
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/customers/batch',
      operationId: 'batchCustomers',
      summary: 'Change up to 500 customers in one request',
      tag,
      roles,
      description:
        'Each item succeeds or fails by itself. 200 means that all items succeeded with the same status; otherwise the response is 207. Items that the batch has no time for, usually after 15 seconds, have the status 503 and were not tried: send them again in another batch, with another `Idempotency-Key`.',
      body: CustomerBatch,
      maxBodyBytes: Number.POSITIVE_INFINITY,
      itemsOf: ({ items }) => items.length,
      responses: { 200: CustomerBatchResult, 207: CustomerBatchResult },
    },
    async ({ body, actor, req }) => {
      const result = await batch(body.items, actor, timeToStop(req))
      return isUniform(result) ? ok(result) : multiStatus(result)
    },
  )

  api.operation(
    {
      method: 'get',
      path: '/v1/customers/{key}',
      operationId: 'getCustomer',
      summary: 'Get a customer',
      tag,
      roles,
      params,
      query: getByKeyQuery('customer', CustomerIdBy, ['code']),
      responses: { 200: Customer },
    },
    async ({ params, query: { idBy, trashed } }) =>
      ok(await customers.get({ ...params, idBy }, { trashed: trashed === 'true' })),
  )

  api.operation(
    {
      method: 'patch',
      path: '/v1/customers/{key}',
      operationId: 'updateCustomer',
      summary: 'Update a customer',
      tag,
      roles,
      description:
        'The body is a JSON Merge Patch (RFC 7396): null empties a field, and `address` and `metadata` are merged. Read-only fields may be sent as they were read.',
      params,
      query,
      current: ({ params, query }) => customers.get({ ...params, ...query }),
      body: inputs.CustomerPatch,
      maxBodyBytes,
      responses: { 200: Customer, 409: DuplicateBody },
    },
    async ({ params, query, body, actor, ifMatch }) =>
      ok(await customers.update({ ...params, ...query }, body, { actor, ifMatch })),
  )

  api.operation(
    {
      method: 'put',
      path: '/v1/customers/{key}',
      operationId: 'replaceCustomer',
      summary: 'Replace a customer',
      tag,
      roles,
      description:
        'Absent fields are emptied, except the photo and the field that `idBy` names, which stay. With `idBy=externalId`, the customer is created if there is none with that external id. Read-only fields may be sent as they were read.',
      params,
      query,
      current: ({ params, query }) => customers.get({ ...params, ...query }),
      body: inputs.NewCustomer,
      maxBodyBytes,
      responses: { 200: Customer, 201: Customer, 409: DuplicateBody },
    },
    async ({ params, query, body, actor, ifMatch, req }) => {
      const mustExist = req.headers['if-match'] !== undefined
      const result = await customers.replace({ ...params, ...query }, body, { actor, ifMatch, mustExist })
      return result.created ? created(...withLocation(result.customer)) : ok(result.customer)
    },
  )

  api.operation(
    {
      method: 'delete',
      path: '/v1/customers/{key}',
      operationId: 'deleteCustomer',
      summary: 'Move a customer to the trash, or purge it',
      tag,
      roles,
      description:
        'A customer in the trash keeps its data and can be restored. A purge also removes its personal data from orders and notifications.',
      params,
      query: query.extend({ purge: purgeParameter('customer') }),
      responses: { 204: null },
    },
    async ({ params, query, actor, ifMatch }) => {
      const key = { ...params, idBy: query.idBy }
      if (query.purge === 'true' && !isAdmin(actor))
        throw new Problem('forbidden', { detail: 'purging requires the role admin' })
      await (query.purge === 'true'
        ? customers.purge(key, { actor, ifMatch })
        : customers.delete(key, { actor, ifMatch }))
      return noContent()
    },
  )

  api.operation(
    {
      method: 'post',
      path: '/v1/customers/{key}/restore',
      operationId: 'restoreCustomer',
      summary: 'Restore a customer from the trash',
      tag,
      roles,
      description: restoreDescription('customer', 'e-mail address or external id'),
      params,
      query,
      responses: { 200: Customer, 409: z.union([DuplicateBody, ProblemBody]) },
    },
    async ({ params, query, actor, ifMatch }) =>
      ok(await customers.restore({ ...params, ...query }, { actor, ifMatch })),
  )

  api.operation(
    {
      method: 'get',
      path: '/v1/customers/{key}/editors',
      operationId: 'listCustomerEditors',
      summary: 'List the users who created or changed a customer, latest first',
      tag,
      roles,
      params,
      query: editorList.queryWith(query.shape),
      responses: { 200: page(CustomerEditor) },
    },
    async ({ params, query: { idBy, ...rest } }) =>
      ok(await customers.editors({ ...params, ...query.parse({ idBy }) }, rest)),
  )
}
