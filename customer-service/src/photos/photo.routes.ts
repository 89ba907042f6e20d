import { Customer, CustomerPhoto } from '@clientele/contracts/customer'
import { pathKey } from '@clientele/contracts/fields'
import { MediaVariant } from '@clientele/contracts/media'
import { type Api, noContent, ok, redirect } from '@clientele/platform/operation'
import { Problem } from '@clientele/platform/problem'
import { z } from 'zod'
import type { PhotoLink } from '../customers/customer.presenter.ts'
import type { CustomerService } from '../customers/customer.service.ts'
import type { MediaClient } from './media.client.ts'
import { keeping, photoUploads } from './photo.uploads.ts'

export type PhotoRouteDeps = { customers: CustomerService; media: MediaClient; photoLink: PhotoLink }

const shared = {
  path: '/v1/customers/{key}/photo',
  tag: 'Customers',
  roles: ['user'],
  params: z.strictObject({ key: pathKey }),
} as const

export const photoRoutes = (api: Api, { customers, media, photoLink }: PhotoRouteDeps): void => {
  api.operation(
    {
      ...shared,
      method: 'get',
      operationId: 'getCustomerPhoto',
      summary: 'Leads to the photo',
      query: z.strictObject({ variant: MediaVariant.default('medium') }),
      responses: { 302: null },
    },
    async ({ params, query }) => {
      const { photoMediaId } = await customers.row(params)
      if (photoMediaId === null) throw new Problem('not_found', { detail: 'the customer has no photo' })
      return redirect(photoLink(photoMediaId, query.variant), { headers: { 'Cache-Control': 'private, no-cache' } })
    },
  )

  api.operation(
    {
      ...shared,
      method: 'put',
      operationId: 'putCustomerPhoto',
      summary: 'Sets the photo: an image, a form, or a medium',
      body: CustomerPhoto,
      uploads: photoUploads(media),
      responses: { 200: Customer },
    },
    async ({ params, body, actor, ifMatch, req }) => {
      const { input, uploaded } = 'input' in body ? body : { input: body, uploaded: undefined }
      const set = () =>
        customers.setPhoto(params, input.mediaId, { actor, ifMatch }, { uploaded: uploaded !== undefined })
      return ok(await keeping(req, media, uploaded, actor, set))
    },
  )

  api.operation(
    {
      ...shared,
      method: 'delete',
      operationId: 'deleteCustomerPhoto',
      summary: 'Removes the photo',
      responses: { 204: null },
    },
    async ({ params, actor, ifMatch }) => {
      if ((await customers.row(params)).photoMediaId === null)
        throw new Problem('not_found', { detail: 'the customer has no photo' })
      await customers.setPhoto(params, null, { actor, ifMatch })
      return noContent()
    },
  )
}
