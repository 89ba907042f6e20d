import { Customer, CustomerIdBy, CustomerPhoto } from '@clientele/contracts/customer'
import type { MediaClient } from '@clientele/features/photos/media.client'
import type { MediaLink } from '@clientele/features/photos/media-link'
import { photoRoutes } from '@clientele/features/photos/photo.routes'
import type { Api } from '@clientele/platform/http/api'
import type { CustomerService } from '../customers/customer.service.ts'

export type PhotoRouteDeps = { customers: CustomerService; media: MediaClient; photoLink: MediaLink }

export const customerPhotoRoutes = (api: Api, { customers: owners, media, photoLink }: PhotoRouteDeps): void =>
  photoRoutes(
    api,
    {
      path: '/v1/customers/{key}',
      owner: 'customer',
      idBy: CustomerIdBy,
      tag: 'Customers',
      resource: Customer,
      body: CustomerPhoto,
    },
    { owners, media, photoLink },
  )
