import type { NewCustomer } from '@clientele/contracts/customer'
import type { MediaClient } from '@clientele/features/photos/media.client'
import { formWithPhoto, photoFields, type Uploaded } from '@clientele/features/photos/photo.uploads'
import type { Upload } from '@clientele/platform/http/route-definition'
import { z } from 'zod'
import type { Inputs } from '../customers/customer.input.ts'
import { parseFormFields } from './photo.fields.ts'

/** A form with the fields of a customer and a photo. */
export const customerForm = (media: MediaClient, inputs: Inputs): Upload<Uploaded<NewCustomer>> => {
  const { metadata, address, ...plain } = inputs.NewCustomer.shape
  const schema = z
    .strictObject({
      ...plain,
      tags: z.array(z.string()).optional().meta({
        description: 'The field is repeated for each tag. A field may also have several, separated by commas.',
      }),
      address: z.string().optional().meta({ description: 'The address as JSON, or fields such as `address[city]`.' }),
      metadata: z
        .string()
        .optional()
        .meta({ description: 'The metadata as JSON, or fields such as `metadata[floor]`.' }),
      ...photoFields,
    })
    .meta({ id: 'NewCustomerForm' })
  return formWithPhoto({
    target: { media, owner: 'customer' },
    body: inputs.NewCustomer,
    schema,
    read: parseFormFields,
  })
}
