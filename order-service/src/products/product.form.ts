import type { NewProduct } from '@clientele/contracts/product'
import type { MediaClient } from '@clientele/features/photos/media.client'
import { type FormReader, formWithPhoto, photoFields, type Uploaded } from '@clientele/features/photos/photo.uploads'
import type { Upload } from '@clientele/platform/http/route-definition'
import { z } from 'zod'
import type { Inputs } from './product.input.ts'

/** An empty field is absent; `active` is `true` or `false`; numbers are taken as text anyway. */
const bodyOfForm: FormReader = (fields) => {
  const entries = Object.entries(fields)
    .filter(([, value]) => value !== '')
    .map(([name, value]): [string, unknown] =>
      name === 'active' && (value === 'true' || value === 'false') ? [name, value === 'true'] : [name, value],
    )
  return { body: Object.fromEntries(entries), errors: [] }
}

/** A form of a product's fields and a photo. */
export const productForm = (media: MediaClient, inputs: Inputs): Upload<Uploaded<NewProduct>> => {
  const schema = z.strictObject({ ...inputs.NewProduct.shape, ...photoFields }).meta({ id: 'NewProductForm' })
  return formWithPhoto({ target: { media, owner: 'product' }, body: inputs.NewProduct, schema, read: bodyOfForm })
}
