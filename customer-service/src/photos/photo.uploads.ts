import type { NewCustomer } from '@clientele/contracts/customer'
import type { MediaClient } from '@clientele/features/photos/media.client'
import { formWithPhoto, photoFields, type Uploaded } from '@clientele/features/photos/photo.uploads'
import type { Upload } from '@clientele/platform/http/route-definition'
import { z } from 'zod'
import type { Inputs } from '../customers/customer.input.ts'
import { bodyOfForm } from './photo.fields.ts'

/** A form of a customer's fields and a photo. */
export const customerForm = (media: MediaClient, inputs: Inputs): Upload<Uploaded<NewCustomer>> => {
  const { metadata, address, ...plain } = inputs.NewCustomer.shape
  const schema = z
    .strictObject({
      ...plain,
      tags: z
        .union([z.string(), z.array(z.string())])
        .optional()
        .meta({ description: 'repeated, or between commas' }),
      address: z.string().optional().meta({ description: 'JSON' }),
      metadata: z.string().optional().meta({ description: 'JSON' }),
      ...photoFields,
    })
    .meta({ id: 'NewCustomerForm' })
  return formWithPhoto({ target: { media, owner: 'customer' }, body: inputs.NewCustomer, schema, read: bodyOfForm })
}
