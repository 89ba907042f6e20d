import { Customer, CustomerPhoto } from '@clientele/contracts/customer'
import type { MediaClient } from '@clientele/platform/media-client'
import type { MediaLink } from '@clientele/platform/media-link'
import type { Api } from '@clientele/platform/operation'
import { photoRoutes } from '@clientele/platform/photo-routes'
import type { CustomerService } from '../customers/customer.service.ts'

export type PhotoRouteDeps = { customers: CustomerService; media: MediaClient; photoLink: MediaLink }

export const customerPhotoRoutes = (api: Api, { customers: owners, media, photoLink }: PhotoRouteDeps): void =>
  photoRoutes(
    api,
    { path: '/v1/customers/{key}', owner: 'customer', tag: 'Customers', resource: Customer, body: CustomerPhoto },
    { owners, media, photoLink },
  )
